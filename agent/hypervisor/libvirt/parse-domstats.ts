/** The figures of one domain, by libvirt's own names ("vcpu.0.delay"). */
export interface DomainFigures {
  readonly name: string;
  number(key: string): number | null;
  /** Sum of `group.N.key` over all N that have it; null when none has. */
  sum(group: string, key: string): number | null;
}

/** What `virsh domstats --raw` prints, a block a domain, in its order. */
export function parseDomstats(text: string): readonly DomainFigures[] {
  const domains: { name: string; figures: Map<string, string> }[] = [];
  for (const line of text.split("\n")) {
    const name = /^Domain: '(.*)'$/.exec(line)?.[1];
    if (name !== undefined) domains.push({ name, figures: new Map() });
    const figure = /^\s+([^=\s]+)=(.*)$/.exec(line);
    if (figure?.[1]) domains.at(-1)?.figures.set(figure[1], figure[2] ?? "");
  }
  return domains.map(({ name, figures }) => figuresOf(name, figures));
}

function figuresOf(name: string, figures: ReadonlyMap<string, string>): DomainFigures {
  const number = (key: string): number | null => {
    const text = figures.get(key);
    if (text === undefined || text === "") return null;
    const value = Number(text);
    return Number.isFinite(value) ? value : null;
  };
  const sum = (group: string, key: string): number | null => {
    const pattern = new RegExp(`^${group}\\.\\d+\\.${key.replaceAll(".", "\\.")}$`);
    const keys = [...figures.keys()].filter((candidate) => pattern.test(candidate));
    const values = keys.map(number).filter((value) => value !== null);
    return values.length === 0 ? null : values.reduce((total, value) => total + value, 0);
  };
  return { name, number, sum };
}
