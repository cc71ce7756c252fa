import { stringify } from "yaml";
import type { OneServiceAnswer } from "./answers.ts";
import { exitCodes } from "./cli-error.ts";
import { servicePath } from "./simple-verb.ts";
import { printJson, type VerbRunner, wordAt } from "./verb-context.ts";

/** `evenkeel service show NAME`: who declared what, in a form that `service apply` takes. */
export const serviceShow: VerbRunner = async (context, input) => {
  const path = servicePath(wordAt(input, 0));
  const answer = await context.client.get<OneServiceAnswer>(path);
  if (context.json) printJson(context, answer);
  else for (const line of serviceLines(answer)) context.io.out(line);
  return exitCodes.ok;
};

/** What is no part of the file stands in comments, so that all of it can be applied again. */
function serviceLines({ service, file }: OneServiceAnswer): readonly string[] {
  const { name, state, version, author, problem } = service;
  const said = `# ${name}: ${state} at version ${version} by ${author}`;
  if (file === null) return [said, `# ${problem ?? "it says nothing"}`];
  return [said, ...stringify(file, { lineWidth: 0 }).trimEnd().split("\n")];
}
