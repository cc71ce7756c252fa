import type { NoticeEvent } from "./agent-api.ts";
import type { AgentHost } from "./agent-host.ts";
import { eventually } from "./eventually.ts";

/** Until a phase is there; a busy machine needs its time for the transfer. */
export const PHASE_MS_MAX = 45_000;

/** Hears the phases that both ends' journals come to, as the agents tell them. */
export class PhaseEar {
  readonly #vm: string;
  readonly #phases = new Set<string>();
  readonly #stops: (() => void)[] = [];

  constructor(vm: string) {
    this.#vm = vm;
  }

  async listen(...hosts: readonly AgentHost[]): Promise<void> {
    for (const { api } of hosts) this.#stops.push(await api.follow((notice) => this.#hear(notice)));
  }

  has(phase: string): boolean {
    return this.#phases.has(phase);
  }

  /** Resolves at once when it was heard before. */
  async heard(phase: string, limitMs = PHASE_MS_MAX): Promise<void> {
    const holds = async () => this.has(phase);
    await eventually(`${this.#vm}: ${phase}`, holds, { limitMs, pollMs: 1 });
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  #hear({ code, facts }: NoticeEvent): void {
    if (code !== "move-phase" || facts["vm"] !== this.#vm) return;
    this.#phases.add(`${facts["role"]} ${facts["phase"]}`);
  }
}
