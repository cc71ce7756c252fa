import type { AgentFleet } from "./agent-fleet.ts";
import type { AgentHost } from "./agent-host.ts";

/** What was seen of one VM from the begin of a trial to its end. */
export interface FaultStory {
  /** What must never be: two at once, a count lost or repeated. Null when there was nothing. */
  readonly fault: string | null;
  readonly frozenMsMax: number;
}

/** The guests of a fleet of real agents, as somebody who strikes at them needs them. */
export interface FaultGuests {
  /** Settings of each agent. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** True where a transfer that was begun goes on while the source's agent is stopped. */
  readonly streamsAlone: boolean;
  /** The definition of a VM, as the socket takes it. */
  spec(vm: string): Readonly<Record<string, unknown>>;
  /** How far it has counted, on all hosts together; -1 before it has begun. */
  count(fleet: AgentFleet, vm: string): Promise<number>;
  /** Names of the hosts that have a process of this VM, or what stands for one. */
  copies(fleet: AgentFleet, vm: string): readonly string[];
  /** kill -9; false when this host has none. */
  kill(host: AgentHost, vm: string): boolean;
  /** Watches until the returned function is called; called again, that says the same. */
  watch(fleet: AgentFleet, vm: string): () => Promise<FaultStory>;
}
