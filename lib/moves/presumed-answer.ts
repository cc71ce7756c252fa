import { type MoveId, readMoveId } from "../model/ids.ts";
import type { SourceAnswer, TargetAnswer } from "../wire/messages.ts";

/**
 * What a source answers about a move that its journal no longer has. While it owns the VM, the move
 * cannot have been committed (that line leaves only with the ownership), so it was aborted, or its
 * begin never became durable: presumed abort (Mohan, Lindsay and Obermarck, "Transaction management
 * in R*", 1986). Otherwise it cannot tell.
 */
export function presumedSourceAnswer(
  moveId: MoveId,
  ownedVersion: number | undefined,
): SourceAnswer {
  const move = readMoveId(moveId);
  if (move === undefined || ownedVersion === undefined) return "unknown";
  // The move starts from the version before the one it names; older owner records prove nothing.
  return ownedVersion >= move.version - 1 ? "aborted" : "unknown";
}

/**
 * What a target answers about a move that its journal no longer has. While it owns the VM at the
 * version that the move made, or a later one, the move was carried out here. Otherwise `unknown`:
 * never `refused`, which is a promise that only a durable line can make.
 */
export function presumedTargetAnswer(
  moveId: MoveId,
  ownedVersion: number | undefined,
  copyLives: boolean,
): TargetAnswer {
  const move = readMoveId(moveId);
  if (move === undefined || ownedVersion === undefined) return "unknown";
  if (ownedVersion < move.version) return "unknown";
  return copyLives ? "running" : "ran";
}
