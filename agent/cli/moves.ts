import type { MoveAnswer } from "./answers.ts";
import { bar } from "./bar.ts";
import { exitCodes } from "./cli-error.ts";
import type { Palette } from "./palette.ts";
import { tableLines } from "./table.ts";
import { formatBytes, formatShare, formatSpan, NO_FIGURE } from "./units.ts";
import { printJson, type VerbContext, type VerbRunner } from "./verb-context.ts";

const BAR_WIDTH = 12;

/** `evenkeel moves`: the moves under way at this host. */
export const moves: VerbRunner = async (context) => {
  const answer = await context.client.get<{ moves: readonly MoveAnswer[] }>("/v1/moves");
  if (context.json) printJson(context, answer);
  else if (answer.moves.length === 0) context.io.out("no moves under way at this host");
  else for (const line of moveLines(answer.moves, context)) context.io.out(line);
  return exitCodes.ok;
};

/** A table of moves under way, with how far each is. */
export function moveLines(
  list: readonly MoveAnswer[],
  { palette, io }: Pick<VerbContext, "palette" | "io">,
): readonly string[] {
  const columns = [
    { title: "VM" },
    { title: "FROM" },
    { title: "TO" },
    { title: "PHASE" },
    { title: "DONE", align: "right" as const },
    { title: "" },
    { title: "LEFT", align: "right" as const },
    { title: "SINCE", align: "right" as const },
  ];
  const rows = list.map((move) => [
    palette("strong", move.vm),
    move.from,
    move.to,
    phaseText(move, palette),
    formatShare(move.progress?.share ?? null),
    bar({ share: move.progress?.share ?? null, width: BAR_WIDTH, unicode: io.unicode }),
    move.progress === null ? NO_FIGURE : formatBytes(move.progress.remainingBytes),
    formatSpan(move.ageMs),
  ]);
  return tableLines(columns, rows);
}

function phaseText(move: MoveAnswer, palette: Palette): string {
  return move.inDoubt ? palette("bad", `${move.phase}, in doubt`) : move.phase;
}
