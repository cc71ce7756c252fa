import type { PolicyChange } from "#lib/model/policy-change.ts";
import { policySettings, readPolicySetting } from "#lib/model/policy-setting.ts";
import { UsageError } from "./cli-error.ts";
import { simpleVerb, vmPath } from "./simple-verb.ts";
import { wordAt } from "./verb-context.ts";

/** `evenkeel vm set VM pin=host-b …`: changes a VM's policy, wherever it is; the rest stays. */
export const vmSet = simpleVerb((input) => ({
  path: vmPath(wordAt(input, 0), "set"),
  body: changeOf(input.words.slice(1)),
}));

function changeOf(words: readonly string[]): PolicyChange {
  const named = new Set<string>();
  let change: PolicyChange = {};
  for (const word of words) {
    const [name = "", ...rest] = word.split("=");
    if (rest.length === 0) {
      const names = policySettings.join(", ");
      throw new UsageError(`"${word}" sets nothing: write NAME=VALUE, with one of ${names}`);
    }
    if (named.has(name)) throw new UsageError(`${name} is given twice`);
    named.add(name);
    const read = readPolicySetting(name, rest.join("="));
    if ("problem" in read) throw new UsageError(read.problem);
    change = { ...change, ...read };
  }
  return change;
}
