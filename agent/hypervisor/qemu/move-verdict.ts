import type { MoveVerdict } from "#lib/model/host-op.ts";
import type { MoveId, VmName } from "#lib/model/ids.ts";
import { sleep } from "../sleep.ts";
import { copyStateOf, isTransferring, type MonitorState } from "./copy-state.ts";
import type { LifeParts } from "./guest-life.ts";
import type { GuestRecord } from "./guest-record.ts";

/** After the death of the agent that carried it, a stream breaks within ms; then the state is read. */
const VERDICT_WAIT_MS = 5_000;
const VERDICT_POLL_MS = 50;
/** Run states in which a move leaves the copy at its source (qapi/run-state). */
const settledRunStates: ReadonlySet<string> = new Set(["postmigrate", "paused"]);

/** Reads what QEMU left of a move at its source. Waits, within a bound, for a stream to break. */
export async function verdictOf(
  parts: LifeParts,
  moveId: MoveId,
  vm: VmName,
): Promise<MoveVerdict> {
  const { clock } = parts.settings;
  const endMs = clock.nowMs() + VERDICT_WAIT_MS;
  for (;;) {
    const guest = await parts.table.living(vm);
    if (guest === undefined) return "gone";
    const state = await guest.monitorState().catch(() => undefined);
    if (state !== undefined && !isTransferring(state.migration)) {
      return settledVerdict(guest.record, state, moveId);
    }
    if (clock.nowMs() > endMs) return "in-doubt";
    await sleep(VERDICT_POLL_MS, clock);
  }
}

/**
 * What a copy without a transfer under way says about the move. At the source `open` is a copy that
 * was sent, at the target one that is whole and never ran; `aborted` is a copy that runs.
 */
export function settledVerdict(
  record: Pick<GuestRecord, "role" | "moveId">,
  monitor: MonitorState,
  moveId: MoveId,
): MoveVerdict {
  const ofMove = record.moveId === moveId;
  if (record.role === "suspending" || record.role === "resuming") return "in-doubt";
  if (record.role === "incoming" && !ofMove) return "in-doubt";
  switch (copyStateOf(monitor, record.role)) {
    case "running":
      return "aborted";
    case "received":
      return "open";
    case "sent":
    case "paused":
      // An I/O error and the like pause a guest, too: that is nothing a move left behind.
      return ofMove && settledRunStates.has(monitor.runState) ? "open" : "in-doubt";
    default:
      return "in-doubt";
  }
}
