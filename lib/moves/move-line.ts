import type { ActionReason } from "../model/action.ts";
import type { HostId, MoveId, VmName } from "../model/ids.ts";
import type { VmSpec } from "../model/vm-spec.ts";

/**
 * What the source's journal says of a move. A proposal is not journaled: until `transferring` is
 * durable nothing has been done, and forgetting it is the same as its lapsing. `takenBack`: aborted,
 * the VM runs on here, and the target has not promised yet that its copy never will. `rebooting`: by
 * the operator's word the VM is booted anew here, once the old copy, which must not run, is gone.
 */
export type SourcePhase =
  | "transferring"
  | "committed"
  | "aborted"
  | "takenBack"
  | "discarding"
  | "rebooting";

/** What the target's journal says. A grant is not journaled, for the same reason. */
export type TargetPhase = "receiving" | "held" | "running" | "refused" | "rebooting";

/** Facts that do not change while the move lasts. */
export interface MoveFacts {
  readonly moveId: MoveId;
  readonly vm: VmName;
  /** The other end. */
  readonly peer: HostId;
  /** Owner version at the source before the move; the target runs it as `version + 1`. */
  readonly version: number;
  readonly spec: VmSpec;
  readonly reason: ActionReason;
  readonly gain: number;
  readonly cost: number;
  /** Moves of the VM that followed one another closely, this one included. */
  readonly recentMoves: number;
}

export interface SourceLine extends MoveFacts {
  readonly role: "source";
  readonly phase: SourcePhase;
}

export interface TargetLine extends MoveFacts {
  readonly role: "target";
  readonly phase: TargetPhase;
  /** Why it was refused; empty otherwise. */
  readonly detail: string;
}

/** One line `move/ID` of the journal. */
export type MoveLine = SourceLine | TargetLine;
