import type { CandidateAnswer, PlanAnswer, PlannedMoveAnswer } from "./answers.ts";
import { exitCodes } from "./cli-error.ts";
import type { Palette } from "./palette.ts";
import { tableLines } from "./table.ts";
import { formatPotential } from "./units.ts";
import { printJson, type VerbRunner } from "./verb-context.ts";

/** Refused candidates beyond this many are only counted. */
const REFUSED_SHOWN_MAX = 15;

/** `evenkeel plan`: what would be moved now, and why, and why not the rest. */
export const plan: VerbRunner = async (context) => {
  const answer = await context.client.get<PlanAnswer>("/v1/plan");
  if (context.json) printJson(context, answer);
  else for (const line of planLines(answer, context.palette)) context.io.out(line);
  return exitCodes.ok;
};

/** One line on whether the cluster acts, and how to change that. */
export function modeText({ keyed, mode }: Pick<PlanAnswer, "keyed" | "mode">): string {
  if (!keyed) return "open: no cluster key, so this agent shows and advises but never acts";
  if (mode === "act")
    return "acting: moves are made as they are elected (stop with: evenkeel hold)";
  return "on hold: advises only (let the cluster act with: evenkeel act)";
}

/** Candidates with gain, cost and score, best first, the refused ones with their words. */
export function candidateLines(
  list: readonly CandidateAnswer[],
  palette: Palette,
): readonly string[] {
  const columns = [
    { title: "VM" },
    { title: "FROM" },
    { title: "TO" },
    { title: "GAIN", align: "right" as const },
    { title: "COST", align: "right" as const },
    { title: "SCORE", align: "right" as const },
    { title: "VERDICT" },
  ];
  const rows = list.map((weighed) => [
    palette("strong", weighed.vm),
    weighed.from,
    weighed.to,
    formatPotential(weighed.gain),
    formatPotential(weighed.cost),
    formatPotential(weighed.score),
    verdictText(weighed, palette),
  ]);
  return tableLines(columns, rows);
}

function planLines(answer: PlanAnswer, palette: Palette): readonly string[] {
  const shown = answer.considered.slice(0, REFUSED_SHOWN_MAX);
  const more = answer.considered.length - shown.length;
  const lines = [modeText(answer), answer.reason];
  if (answer.moves.length > 0) {
    lines.push("", palette("strong", "Would move now"), ...candidateLines(answer.moves, palette));
  }
  if (shown.length > 0) {
    lines.push("", palette("strong", "Weighed and not taken"), ...candidateLines(shown, palette));
  }
  if (more > 0) lines.push(`and ${more} more (--json shows all)`);
  const shifts = (answer.shifts ?? []).slice(0, REFUSED_SHOWN_MAX);
  if (shifts.length > 0) {
    lines.push(
      "",
      palette("strong", "Members of services here"),
      ...candidateLines(shifts, palette),
    );
  }
  return lines;
}

function verdictText(weighed: CandidateAnswer | PlannedMoveAnswer, palette: Palette): string {
  if (weighed.refusal !== null) return palette("dim", weighed.refusal);
  if ("reason" in weighed) return palette("good", weighed.reason);
  return palette("good", "service" in weighed ? "may be shifted" : "may move");
}
