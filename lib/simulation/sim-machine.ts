import type { HostId } from "../model/ids.ts";
import type { SimHost } from "./sim-host.ts";
import type { SimJournal } from "./sim-journal.ts";

/** Size of a simulated host. */
export interface MachineSize {
  /** Host name; `host-N` by default. */
  readonly name?: string;
  readonly cpuCapacityCores: number;
  readonly memoryCapacityBytes: number;
  readonly reservedMemoryBytes: number;
  /** Both directions together; without it the network counts for nothing. */
  readonly networkCapacityBytesPerSecond?: number;
}

/** One physical host: what outlives its agent, and what its clock shows. */
export interface SimMachine {
  readonly id: HostId;
  readonly name: string;
  readonly size: MachineSize;
  readonly host: SimHost;
  readonly journal: SimJournal;
  /** This host's monotonic clock minus virtual time, ms: no two hosts agree. */
  clockOffsetMs: number;
  /** Rises with each boot. */
  boots: number;
  /** Rises with each start of the agent. */
  lives: number;
}
