import type { OutcomeAnswer } from "./answers.ts";
import { exitCodes } from "./cli-error.ts";
import type { Palette, Tone } from "./palette.ts";
import { tableLines } from "./table.ts";
import { formatBytes, formatSpan, formatTime } from "./units.ts";
import { printJson, type VerbRunner } from "./verb-context.ts";

const TONES: Readonly<Record<OutcomeAnswer["result"], Tone>> = {
  moved: "good",
  aborted: "warn",
  failed: "bad",
  lost: "bad",
  resolved: "warn",
};

/** `evenkeel history`: the moves that ended, newest first, and why they were made. */
export const history: VerbRunner = async (context, { options }) => {
  const answer = await context.client.get<{ history: readonly OutcomeAnswer[] }>("/v1/history");
  const wanted = options["vm"];
  const list = answer.history.filter(({ vm }) => wanted === undefined || vm === wanted);
  if (context.json) printJson(context, { history: list });
  else if (list.length === 0) context.io.out("no moves yet");
  else for (const line of outcomeLines(list, context.palette)) context.io.out(line);
  return exitCodes.ok;
};

/** A table of ended moves. */
export function outcomeLines(list: readonly OutcomeAnswer[], palette: Palette): readonly string[] {
  const columns = [
    { title: "ENDED" },
    { title: "VM" },
    { title: "FROM" },
    { title: "TO" },
    { title: "RESULT" },
    { title: "WHY" },
    { title: "GAIN", align: "right" as const },
    { title: "TOOK", align: "right" as const },
    { title: "DOWN", align: "right" as const },
    { title: "SENT", align: "right" as const },
    { title: "DETAIL" },
  ];
  const rows = list.map((outcome) => [
    formatTime(outcome.endedAtMs),
    palette("strong", outcome.vm),
    outcome.from,
    outcome.to,
    palette(TONES[outcome.result] ?? null, outcome.result),
    outcome.reason,
    outcome.gain.toFixed(3),
    formatSpan(outcome.durationMs),
    formatSpan(outcome.downtimeMs),
    formatBytes(outcome.transferredBytes),
    outcome.detail,
  ]);
  return tableLines(columns, rows);
}
