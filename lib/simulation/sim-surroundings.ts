import type { TransferLimits } from "../model/host-op.ts";
import type { HostId, MoveId } from "../model/ids.ts";
import type { VerbResult } from "../model/verb.ts";
import type { SimChannels } from "./sim-channels.ts";
import type { SimFact } from "./sim-fact.ts";
import type { SimLinks } from "./sim-links.ts";
import type { SimNetwork } from "./sim-network.ts";
import type { SimSwitch } from "./sim-switch.ts";
import type { VirtualClock } from "./virtual-clock.ts";
import type { Workload } from "./workload.ts";

/** What one simulated agent finds around it: all that it shares with the others. */
export interface SimSurroundings {
  readonly clock: VirtualClock;
  readonly links: SimLinks;
  readonly network: SimNetwork;
  readonly channels: SimChannels;
  readonly workload: Workload;
  /** Longest time from an order to its effect, and from there to its answer, ms. */
  readonly orderMsMax: number;
  /** Probability (0..1) that a hypervisor answers an order with an error, done or not. */
  readonly orderFailureShare: number;
  /** Speed of a stream under these limits, bytes a second. */
  bandwidthOf(limits: TransferLimits): number;
  /** Asked before a hypervisor takes in a VM: why it must not, in words; null when it may. */
  admissionRefusal?(moveId: MoveId): string | null;
  /** True when somebody listens to facts of this type: most of them are many. */
  hears(type: SimFact["type"]): boolean;
  emit(fact: SimFact): void;
  /** The host's load-balancing switch; undefined where it has none. */
  switchOf?(host: HostId): SimSwitch | undefined;
  replied(requestId: string, result: VerbResult): void;
}
