import type { TransferLook } from "../headway.ts";

/** What `virsh domjobinfo --rawstats` tells of a domain's job. */
export interface DomainJob {
  readonly isActive: boolean;
  readonly look: TransferLook;
}

/** libvirt's virDomainJobType; every other one is over. */
const JOB_BOUNDED = 1;
const JOB_UNBOUNDED = 2;

/** Figures are those of virDomainGetJobStats. */
export function parseJob(text: string): DomainJob {
  const figures = new Map<string, number>();
  for (const line of text.split("\n")) {
    const match = /^([a-z_]+): (\d+)$/.exec(line);
    if (match?.[1]) figures.set(match[1], Number(match[2]));
  }
  const type = Number(/^Job type:\s*(\d+)/m.exec(text)?.[1] ?? 0);
  const figure = (key: string) => figures.get(key) ?? 0;
  return {
    isActive: type === JOB_BOUNDED || type === JOB_UNBOUNDED,
    look: {
      transferredBytes: figure("data_processed"),
      remainingBytes: figure("data_remaining"),
      totalBytes: figure("data_total"),
      dirtyBytesPerSecond: dirtyRate(figures),
      passes: Math.max(figure("memory_iteration"), 1),
      throttleShare: figure("auto_converge_throttle") / 100,
    },
  };
}

function dirtyRate(figures: ReadonlyMap<string, number>): number | null {
  const pages = figures.get("memory_dirty_rate");
  const pageBytes = figures.get("memory_page_size");
  return pages === undefined || pageBytes === undefined ? null : pages * pageBytes;
}
