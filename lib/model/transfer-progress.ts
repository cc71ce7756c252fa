import type { MoveId } from "./ids.ts";

/** How far a running transfer is; `totalBytes` may grow while the guest dirties memory. */
export interface TransferProgress {
  readonly moveId: MoveId;
  readonly transferredBytes: number;
  readonly remainingBytes: number;
  readonly totalBytes: number;
  readonly dirtyBytesPerSecond: number | null;
}
