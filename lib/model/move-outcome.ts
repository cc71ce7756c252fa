import type { ActionReason } from "./action.ts";
import type { HostId, MoveId, VmName } from "./ids.ts";

/** The record of one move, kept by both ends and shown by `evenkeel history`. */
export interface MoveOutcome {
  readonly moveId: MoveId;
  readonly vm: VmName;
  readonly from: HostId;
  readonly to: HostId;
  readonly reason: ActionReason;
  readonly gain: number;
  readonly cost: number;
  readonly result: "moved" | "aborted" | "failed" | "lost" | "resolved";
  /** Why it ended so, in words; empty when moved. */
  readonly detail: string;
  /** Wall-clock ms since 1970 at this host when it ended, for people only. */
  readonly endedAtMs: number;
  readonly durationMs: number;
  /** From the source's copy pausing to the target's running, as the source saw it; null unless moved. */
  readonly downtimeMs: number | null;
  readonly transferredBytes: number;
}
