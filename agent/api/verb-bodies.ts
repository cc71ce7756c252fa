import * as z from "zod";
import { shutdownMs } from "#lib/model/host-shutdown.ts";
import { serviceLimits } from "#lib/model/service.ts";
import { priorityMax, shutdownPolicies } from "#lib/model/vm-spec.ts";
import { wireLimits } from "#lib/wire/limits.ts";
import { BadRequestError } from "./api-error.ts";
import { groupName } from "./spec-fields.ts";

const hostText = z.string().min(1).max(128);

export const modeBody = z.strictObject({ mode: z.enum(["act", "hold"]) });
export const migrateBody = z.strictObject({ target: hostText });
export const shutdownBody = z.strictObject({
  deadlineMs: z.int().min(shutdownMs.min).max(shutdownMs.max).default(shutdownMs.default),
});
export const stopBody = z.strictObject({ force: z.boolean().default(false) });
export const resolveBody = z.strictObject({
  decision: z.enum(["run-here", "discard"]),
  fenced: hostText,
});
const members = z.int().min(0).max(serviceLimits.membersMax).nullable().default(null);
export const scaleBody = z
  .strictObject({ min: members, max: members })
  .refine(({ min, max }) => min !== null || max !== null, "min, max: give at least one of the two");
/** What is named changes; null takes a setting back to its default. */
export const policyBody = z
  .strictObject({
    managed: z.boolean(),
    pin: z.string().min(1).max(wireLimits.hostNameLengthMax).nullable(),
    ignore: z.boolean(),
    affinityGroup: groupName.nullable(),
    antiAffinityGroup: groupName.nullable(),
    priority: z.int().min(0).max(priorityMax).nullable(),
    shutdown: z.enum(shutdownPolicies).nullable(),
  })
  .partial()
  .refine((change) => Object.keys(change).length > 0, "give at least one setting");
export const emptyBody = z.strictObject({});

/** The checked value of a JSON body; an empty body is `{}`. Throws ApiError BAD_REQUEST. */
export function readJsonBody<Value>(schema: z.ZodType<Value>, text: string): Value {
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue === undefined || issue.path.length === 0 ? "body" : issue.path.join(".");
  throw new BadRequestError(`${field}: ${issue?.message ?? "refused"}`);
}

function parseJson(text: string): unknown {
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BadRequestError("the body is not JSON", { cause: error });
  }
}
