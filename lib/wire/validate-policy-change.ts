import type { PolicyChange } from "../model/policy-change.ts";
import { priorityMax, shutdownPolicies } from "../model/vm-spec.ts";
import { wireLimits } from "./limits.ts";
import type { Reader } from "./reader.ts";

export const shutdownWords = new Set(shutdownPolicies);

/** Checks and bounds a change of a policy; a field that is not there is not changed. */
export function readPolicyChangeFields(change: Reader): PolicyChange {
  const { hostNameLengthMax, groupLengthMax } = wireLimits;
  return {
    ...(change.has("managed") && { managed: change.flag("managed") }),
    ...(change.has("pin") && { pin: change.textOrNull("pin", hostNameLengthMax) }),
    ...(change.has("ignore") && { ignore: change.flag("ignore") }),
    ...groupIfAny(change, "affinityGroup", groupLengthMax),
    ...groupIfAny(change, "antiAffinityGroup", groupLengthMax),
    ...(change.has("priority") && {
      priority: change.isNull("priority") ? null : change.count("priority", 0, priorityMax),
    }),
    ...(change.has("shutdown") && {
      shutdown: change.isNull("shutdown") ? null : change.word("shutdown", shutdownWords),
    }),
  };
}

function groupIfAny(
  change: Reader,
  key: "affinityGroup" | "antiAffinityGroup",
  lengthMax: number,
): PolicyChange {
  return change.has(key) ? { [key]: change.textOrNull(key, lengthMax) } : {};
}
