import type { VerbAnswer } from "./answers.ts";
import { exitCodes } from "./cli-error.ts";
import { printJson, type VerbContext, type VerbInput, type VerbRunner } from "./verb-context.ts";

/** One request that changes something; `words` are encoded for the path. */
export interface VerbOrder {
  readonly path: string;
  readonly body?: unknown;
}

/** A verb that is one request, whose answer is one line. */
export function simpleVerb(orderOf: (input: VerbInput) => VerbOrder): VerbRunner {
  return async (context, input) => {
    const { path, body } = orderOf(input);
    const answer = await context.client.post<VerbAnswer>(path, body);
    printVerbAnswer(context, answer);
    return exitCodes.ok;
  };
}

export function printVerbAnswer(context: VerbContext, answer: VerbAnswer): void {
  if (context.json) printJson(context, answer);
  else context.io.out(answer.message);
}

/** `/v1/vms/NAME/VERB` with the name made safe for a path. */
export function vmPath(name: string, verb: string): string {
  return `/v1/vms/${encodeURIComponent(name)}/${verb}`;
}

/** `/v1/hosts/NAME/VERB` with the name made safe for a path. */
export function hostPath(name: string, verb: string): string {
  return `/v1/hosts/${encodeURIComponent(name)}/${verb}`;
}

/** `/v1/services/NAME/VERB`, or without a verb, with the name made safe for a path. */
export function servicePath(name: string, verb?: string): string {
  const path = `/v1/services/${encodeURIComponent(name)}`;
  return verb === undefined ? path : `${path}/${verb}`;
}
