import type { Snapshot } from "#lib/core/snapshot.ts";
import type { Candidate } from "#lib/model/action.ts";
import type { HostId, VmName } from "#lib/model/ids.ts";
import type { MoveOutcome } from "#lib/model/move-outcome.ts";
import { hostNameOf } from "./host-names.ts";
import { renderCandidate, renderOutcome } from "./render-move.ts";

/** What the owner of a VM answers to `explain`, made by a core of this or another version. */
interface ExplainData {
  readonly vm: VmName;
  readonly host: HostId;
  readonly candidates: readonly Candidate[];
  readonly reason: string;
  /** Missing where the owner's version knows no shifts. */
  readonly service?: string | null;
  readonly history: readonly MoveOutcome[];
}

/**
 * Why a VM moved last, or why it is still there, with host names for ids. What does not look like
 * an explanation (another version's) is passed on as it is.
 */
export function renderExplanation(snapshot: Snapshot, data: unknown): unknown {
  if (!isExplainData(data)) return data;
  return {
    vm: data.vm,
    host: hostNameOf(snapshot, data.host),
    hostId: data.host,
    service: data.service ?? null,
    reason: data.reason,
    candidates: data.candidates.map((weighed) => renderCandidate(snapshot, weighed)),
    history: data.history.map((outcome) => renderOutcome(snapshot, outcome)),
  };
}

function isExplainData(data: unknown): data is ExplainData {
  if (typeof data !== "object" || data === null) return false;
  const { host, candidates, history } = data as Partial<Record<keyof ExplainData, unknown>>;
  return (
    typeof host === "string" &&
    areRecords(candidates, "from", "to") &&
    areRecords(history, "moveId")
  );
}

function areRecords(list: unknown, ...fields: readonly string[]): boolean {
  if (!Array.isArray(list)) return false;
  return list.every(
    (entry) =>
      typeof entry === "object" &&
      entry !== null &&
      fields.every((field) => typeof entry[field] === "string"),
  );
}
