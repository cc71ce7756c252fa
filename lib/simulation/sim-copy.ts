import type { CopyState } from "../model/copy.ts";
import type { MoveId } from "../model/ids.ts";
import type { VmSpec } from "../model/vm-spec.ts";

/**
 * One simulated copy of a guest, as plain data: a checker, a file or another host can hold it.
 * The guest's only work is to count its own running time, so that a gap, a repeat or a second
 * running copy shows in the count.
 */
export interface SimCopy {
  readonly spec: VmSpec;
  readonly state: CopyState;
  readonly moveId: MoveId | null;
  /** Which boot of the guest this is: a cold start makes a new one, a move carries it along. */
  readonly boot: string;
  /** Time the guest had run before `sinceMs`, ms. */
  readonly ranMs: number;
  /** When it began to run; null while its processors stand still, also at the end of `sending`. */
  readonly sinceMs: number | null;
  /** True after a resume: the image on the disk is used up, and stale once the process is gone. */
  readonly imageUsed: boolean;
}

/** What the guest has counted at `nowMs`: the time that it ran since its boot, in ms. */
export function counterMs(copy: SimCopy, nowMs: number): number {
  return copy.ranMs + (copy.sinceMs === null ? 0 : nowMs - copy.sinceMs);
}

/** True while the copy takes memory of its host: there is a process. */
export function hasProcess(copy: SimCopy): boolean {
  return copy.state !== "suspended" && copy.state !== "stale" && copy.state !== "defined";
}

/** True when the guest could go on from this copy alone; not from one that is still arriving. */
export function isWhole(copy: SimCopy): boolean {
  return copy.state !== "receiving" && copy.state !== "stale" && copy.state !== "defined";
}
