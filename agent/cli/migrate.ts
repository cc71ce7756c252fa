import type { MoveAnswer, OneMoveAnswer, OutcomeAnswer, VerbAnswer } from "./answers.ts";
import { bar } from "./bar.ts";
import { type ExitCode, exitCodes } from "./cli-error.ts";
import { printVerbAnswer, vmPath } from "./simple-verb.ts";
import { formatBytes, formatShare, formatSpan } from "./units.ts";
import { type VerbContext, type VerbRunner, wordAt } from "./verb-context.ts";
import { type WatchStep, watch } from "./watch.ts";

const BAR_WIDTH = 24;

/** Polls without any sign of the move before it counts as forgotten: news may be that late. */
const SILENT_POLLS_MAX = 15;

/** Polls that find it aborted, while the target has not said so: it may be off for good. */
const UNCONFIRMED_POLLS_MAX = 15;

/** `evenkeel migrate VM HOST`: moves a running VM, and waits for the end. */
export const migrate: VerbRunner = async (context, input) => {
  const vm = wordAt(input, 0);
  const answer = await context.client.post<VerbAnswer>(vmPath(vm, "migrate"), {
    target: wordAt(input, 1),
  });
  const { moveId } = answer;
  if (moveId === null || input.options["wait"] === false) {
    printVerbAnswer(context, answer);
    return exitCodes.ok;
  }
  return watchMove(context, vm, moveId);
};

function watchMove(context: VerbContext, vm: string, moveId: string): Promise<ExitCode> {
  const { client } = context;
  let silentPolls = 0;
  let unconfirmedPolls = 0;
  const poll = async (): Promise<WatchStep> => {
    const path = `/v1/moves/${encodeURIComponent(moveId)}`;
    const { move, vm: owned, outcome } = await client.get<OneMoveAnswer>(path);
    if (outcome !== null) return endOf(outcome);
    if (move !== null) {
      silentPolls = 0;
      const { phase } = move;
      unconfirmedPolls += phase === "takenBack" ? 1 : 0;
      if (unconfirmedPolls > UNCONFIRMED_POLLS_MAX) return unconfirmed(move);
      return { line: moveLine(move, context), phase, end: null, isNear: phase !== "takenBack" };
    }
    silentPolls = owned === null ? silentPolls + 1 : 0;
    if (silentPolls > SILENT_POLLS_MAX) return forgotten(vm, moveId);
    return { line: `${vm}: under way, seen from afar`, phase: "afar", end: null };
  };
  const goesOn =
    `the move of ${vm} goes on: watch it with "evenkeel moves", ` +
    `stop it with "evenkeel cancel ${vm}"`;
  return watch(context, { poll, goesOn, deadlineMs: null });
}

function moveLine(move: MoveAnswer, { io }: VerbContext): string {
  const head = `${move.vm}: ${move.from} -> ${move.to}  ${move.phase}`;
  if (move.progress === null) return head;
  const { share, remainingBytes } = move.progress;
  const picture = bar({ share, width: BAR_WIDTH, unicode: io.unicode });
  return `${head}  ${picture} ${formatShare(share)}, ${formatBytes(remainingBytes)} left`;
}

function endOf(outcome: OutcomeAnswer): WatchStep {
  const { vm, from, to, result, detail, durationMs, downtimeMs } = outcome;
  const ok = result === "moved";
  const message = ok
    ? `${vm} moved from ${from} to ${to} in ${formatSpan(durationMs)}, down for ${formatSpan(downtimeMs)}`
    : `the move of ${vm} to ${to} ${result === "resolved" ? "was resolved" : result}: ${detail}`;
  return { line: "", phase: "ended", end: { ok, message, facts: { outcome } } };
}

function unconfirmed({ vm, from, to, moveId }: MoveAnswer): WatchStep {
  const message =
    `the move of ${vm} was aborted: it runs on ${from}, and stays there until ${to} confirms that ` +
    `it holds no copy, or "evenkeel move resolve ${vm} --run-here --fenced ${to}"`;
  return { line: "", phase: "ended", end: { ok: false, message, facts: { moveId } } };
}

function forgotten(vm: string, moveId: string): WatchStep {
  const message = `this host knows no end of the move ${moveId}: see "evenkeel explain ${vm}"`;
  return { line: "", phase: "ended", end: { ok: false, message, facts: { moveId } } };
}
