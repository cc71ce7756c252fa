import type { HypervisorFacts, Presence } from "../model/host.ts";
import type { HostLoad } from "../model/load.ts";
import type { NodeOptions } from "./node-options.ts";

/** What this agent is and how it stands: shared by the parts of the core, written by the node. */
export interface Self {
  readonly options: NodeOptions;
  instance: string;
  wallOffsetMs: number;
  startedAtMs: number;
  presence: Presence;
  draining: boolean;
  addresses: readonly string[];
  probePort: number;
  hypervisor: HypervisorFacts;
  hostLoad: HostLoad | null;
  /** The guests that ran when this agent started are not measured yet. */
  measuring: boolean;
  /** Until then another agent with our identity has been heard: refuse to act. */
  cloneUntilMs: number;
}
