import { serviceLimits } from "../model/service.ts";
import type { Verb, VerbName, VerbResult } from "../model/verb.ts";
import { wireLimits } from "./limits.ts";
import type { Malformed } from "./malformed.ts";
import type { Reader } from "./reader.ts";
import { validate } from "./validate.ts";
import { readPolicyChangeFields } from "./validate-policy-change.ts";
import { readServiceName, readServiceSpecFields } from "./validate-service-spec.ts";
import { readVmSpecFields } from "./validate-vm-spec.ts";

const verbNames = new Set<Exclude<VerbName, "shutdown">>([
  "mode",
  "drain",
  "undrain",
  "migrate",
  "cancel",
  "suspend",
  "resume",
  "start",
  "stop",
  "define",
  "undefine",
  "set",
  "explain",
  "resolve",
  "serviceApply",
  "serviceDelete",
  "serviceScale",
]);
const modes = new Set(["act", "hold"] as const);
const decisions = new Set(["run-here", "discard"] as const);

/** Checks and bounds an operator's verb. Never throws. */
export function readVerb(value: unknown): Verb | Malformed {
  return validate(value, readVerbFields);
}

/** Checks and bounds the result of a verb. Never throws. */
export function readVerbResult(value: unknown): VerbResult | Malformed {
  return validate(value, readVerbResultFields);
}

export function readVerbFields(fields: Reader): Verb {
  const verb = fields.word("verb", verbNames);
  switch (verb) {
    case "mode":
      return { verb, mode: fields.word("mode", modes) };
    case "drain":
    case "undrain":
      return { verb, host: fields.host("host") };
    case "migrate":
      return { verb, vm: fields.vm("vm"), target: fields.host("target") };
    case "stop":
      return { verb, vm: fields.vm("vm"), force: fields.flag("force") };
    case "define":
      return { verb, spec: readVmSpecFields(fields.object("spec")) };
    case "set":
      return {
        verb,
        vm: fields.vm("vm"),
        change: readPolicyChangeFields(fields.object("change")),
      };
    case "resolve":
      return {
        verb,
        vm: fields.vm("vm"),
        decision: fields.word("decision", decisions),
        fenced: fields.host("fenced"),
      };
    case "serviceApply":
      return { verb, spec: readServiceSpecFields(fields.object("spec")) };
    case "serviceDelete":
      return { verb, service: readServiceName(fields, "service") };
    case "serviceScale":
      return {
        verb,
        service: readServiceName(fields, "service"),
        min: readMembers(fields, "min"),
        max: readMembers(fields, "max"),
      };
    default:
      return { verb, vm: fields.vm("vm") };
  }
}

export function readVerbResultFields(result: Reader): VerbResult {
  return {
    status: result.count("status", 100, 599),
    message: result.text("message", wireLimits.reasonLengthMax),
    data: result.textOrNull("data", wireLimits.resultLengthMax),
    moveId: result.moveOrNull("moveId"),
  };
}

function readMembers(fields: Reader, key: string): number | null {
  return fields.isNull(key) ? null : fields.count(key, 0, serviceLimits.membersMax);
}
