import type { MoveView, Snapshot } from "#lib/core/snapshot.ts";
import type { Candidate } from "#lib/model/action.ts";
import type { MoveOutcome } from "#lib/model/move-outcome.ts";
import type { TransferProgress } from "#lib/model/transfer-progress.ts";
import { hostNameOf } from "./host-names.ts";
import { roundedShare } from "./rounded-share.ts";

/** A move under way at this host; `from` and `to` are display names. */
export function renderMove(snapshot: Snapshot, move: MoveView) {
  const isSource = move.role === "source";
  return {
    moveId: move.moveId,
    vm: move.vm,
    role: move.role,
    from: isSource ? snapshot.name : move.peerName,
    to: isSource ? move.peerName : snapshot.name,
    phase: move.phase,
    ageMs: move.ageMs,
    inDoubt: move.inDoubt,
    progress: move.progress === null ? null : renderProgress(move.progress),
  };
}

/** A move that ended. Times of day are wall clock of the host that recorded it. */
export function renderOutcome(snapshot: Snapshot, outcome: MoveOutcome) {
  return {
    ...outcome,
    from: hostNameOf(snapshot, outcome.from),
    to: hostNameOf(snapshot, outcome.to),
    fromId: outcome.from,
    toId: outcome.to,
  };
}

/** All ended moves that this host knows of, newest first. */
export function renderHistory(snapshot: Snapshot) {
  return snapshot.history
    .map((outcome) => renderOutcome(snapshot, outcome))
    .sort((a, b) => b.endedAtMs - a.endedAtMs);
}

/** A move that was weighed; gain, cost and score are in units of the potential. */
export function renderCandidate<Weighed extends Candidate>(snapshot: Snapshot, weighed: Weighed) {
  return {
    ...weighed,
    from: hostNameOf(snapshot, weighed.from),
    to: hostNameOf(snapshot, weighed.to),
    fromId: weighed.from,
    toId: weighed.to,
  };
}

function renderProgress(progress: TransferProgress) {
  const { transferredBytes, remainingBytes, totalBytes, dirtyBytesPerSecond } = progress;
  const doneShare = roundedShare(totalBytes - remainingBytes, totalBytes);
  return { share: doneShare, transferredBytes, remainingBytes, totalBytes, dirtyBytesPerSecond };
}
