import type { ExplainAnswer } from "./answers.ts";
import { exitCodes } from "./cli-error.ts";
import { outcomeLines } from "./history.ts";
import type { Palette } from "./palette.ts";
import { candidateLines } from "./plan.ts";
import { printJson, type VerbRunner, wordAt } from "./verb-context.ts";

/** `evenkeel explain VM`: why it moved last, or why it is still where it is. */
export const explain: VerbRunner = async (context, input) => {
  const name = encodeURIComponent(wordAt(input, 0));
  const answer = await context.client.get<ExplainAnswer>(`/v1/explain/${name}`);
  if (context.json) printJson(context, answer);
  else for (const line of explainLines(answer, context.palette)) context.io.out(line);
  return exitCodes.ok;
};

function explainLines(answer: ExplainAnswer, palette: Palette): readonly string[] {
  const { vm, host, reason, candidates, history } = answer;
  const lines = [`${palette("strong", vm)} is on ${palette("strong", host)}: ${reason}`];
  const isMember = (answer.service ?? null) !== null;
  if (candidates.length > 0) {
    const title = isMember ? "Where it could be shifted" : "Where it could go";
    lines.push("", palette("strong", title), ...candidateLines(candidates, palette));
  }
  if (isMember) {
    return [...lines, "", `it is a member of service ${answer.service}, which never migrates`];
  }
  if (history.length > 0) {
    lines.push("", palette("strong", "How it came here"), ...outcomeLines(history, palette));
  } else {
    lines.push("", "it has not moved as far as its host remembers");
  }
  return lines;
}
