import type { ServiceRig } from "./service-rig.ts";

const LOOK_MS = 250;
const LINES_MAX = 200;

/** What each host said of the service, a line for each change: shown when a test fails. */
export class ServiceStory {
  readonly #rig: ServiceRig;
  readonly #timer: NodeJS.Timeout;
  readonly #lines: string[] = [];
  readonly #last = new Map<string, string>();

  constructor(rig: ServiceRig) {
    this.#rig = rig;
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
  }

  /** Empties it, too: each test has a story of its own. */
  take(): string {
    return this.#lines.splice(0).join("\n");
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    await Promise.all(
      this.#rig.hosts.map(async (host) => {
        const words = host.running ? await this.#words(host.name) : "its agent is dead";
        if (this.#last.get(host.name) === words) return;
        this.#last.set(host.name, words);
        this.#lines.push(`${Math.round(performance.now())} ${host.name}: ${words}`);
        this.#lines.splice(0, this.#lines.length - LINES_MAX);
      }),
    );
  }

  async #words(name: string): Promise<string> {
    try {
      const { members, steward, lastRefusal } = await this.#rig.show(this.#rig.named(name));
      const told = members.map((one) =>
        [one.host, one.hostState, one.state, one.obstacle].filter(Boolean).join(" "),
      );
      return `${told.join(", ")}; steward ${steward}; ${lastRefusal}`;
    } catch {
      return "no answer";
    }
  }
}
