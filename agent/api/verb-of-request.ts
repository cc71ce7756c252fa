import type { Snapshot } from "#lib/core/snapshot.ts";
import { isVmName, type VmName } from "#lib/model/ids.ts";
import type { PolicyChange } from "#lib/model/policy-change.ts";
import { isServiceName, serviceLimits } from "#lib/model/service.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { BadRequestError } from "./api-error.ts";
import { resolveHost } from "./host-names.ts";
import { readServiceText } from "./read-service-text.ts";
import { readVmSpecText } from "./read-vm-spec-text.ts";
import type { VerbMaker } from "./route.ts";
import {
  emptyBody,
  migrateBody,
  modeBody,
  policyBody,
  readJsonBody,
  resolveBody,
  scaleBody,
  shutdownBody,
  stopBody,
} from "./verb-bodies.ts";

export const modeVerb: VerbMaker = (_, { body }) => ({
  verb: "mode",
  mode: readJsonBody(modeBody, body).mode,
});

export function hostVerb(verb: "drain" | "undrain"): VerbMaker {
  return (snapshot, { name, body }) => {
    readJsonBody(emptyBody, body);
    return { verb, host: resolveHost(snapshot, name) };
  };
}

export const shutdownVerb: VerbMaker = (_, { body }) => ({
  verb: "shutdown",
  deadlineMs: readJsonBody(shutdownBody, body).deadlineMs,
});

export function vmVerb(
  verb: "start" | "suspend" | "resume" | "cancel" | "undefine" | "explain",
): VerbMaker {
  return (_, { name, body }) => {
    readJsonBody(emptyBody, body);
    return { verb, vm: vmNameOf(name) };
  };
}

export const stopVerb: VerbMaker = (_, { name, body }) => ({
  verb: "stop",
  vm: vmNameOf(name),
  force: readJsonBody(stopBody, body).force,
});

export const setVerb: VerbMaker = (snapshot, { name, body }) => {
  const given = readJsonBody(policyBody, body);
  checkPin(snapshot, given.pin);
  // What is not named is not there: undefined would be a change, too.
  const named = Object.entries(given).filter(([, value]) => value !== undefined);
  return { verb: "set", vm: vmNameOf(name), change: Object.fromEntries(named) as PolicyChange };
};

/** A VM that is pinned to a host that nobody knows waits for it in vain. */
function checkPin(snapshot: Snapshot, pin: string | null | undefined): void {
  const names = snapshot.members.map((member) => member.name);
  if (pin === null || pin === undefined || names.includes(pin)) return;
  throw new BadRequestError(`pin: no host is named "${pin}": there are ${names.join(", ")}`);
}

export const migrateVerb: VerbMaker = (snapshot, { name, body }) => ({
  verb: "migrate",
  vm: vmNameOf(name),
  target: resolveHost(snapshot, readJsonBody(migrateBody, body).target),
});

export const resolveVerb: VerbMaker = (snapshot, { name, body }) => {
  const { decision, fenced } = readJsonBody(resolveBody, body);
  return { verb: "resolve", vm: vmNameOf(name), decision, fenced: resolveHost(snapshot, fenced) };
};

export const defineVerb: VerbMaker = (snapshot, { body }) => {
  const spec = readVmSpecText(body);
  checkBoots(snapshot, spec);
  return { verb: "define", spec };
};

export const serviceApplyVerb: VerbMaker = (_, { body }) => ({
  verb: "serviceApply",
  spec: readServiceText(body),
});

export const serviceDeleteVerb: VerbMaker = (_, { name, body }) => {
  readJsonBody(emptyBody, body);
  return { verb: "serviceDelete", service: serviceNameOf(name) };
};

export const serviceScaleVerb: VerbMaker = (_, { name, body }) => ({
  verb: "serviceScale",
  service: serviceNameOf(name),
  ...readJsonBody(scaleBody, body),
});

/** Only simulated guests can boot from nothing. */
function checkBoots(snapshot: Snapshot, spec: VmSpec): void {
  const own = snapshot.members.find((member) => member.self)?.summary;
  if (own?.hypervisor.kind === "sim" || spec.kernel !== null || spec.disks.length > 0) return;
  throw new BadRequestError("VM spec: kernel, disks: one of them is needed to boot from");
}

function vmNameOf(text: string): VmName {
  if (isVmName(text)) return text;
  throw new BadRequestError(`"${text}" is no VM name: 1 to 63 of a-z, 0-9 and -`);
}

function serviceNameOf(text: string): string {
  if (isServiceName(text)) return text;
  const { nameLengthMax } = serviceLimits;
  throw new BadRequestError(
    `"${text}" is no name of a service: 1 to ${nameLengthMax} of a-z, 0-9 and -`,
  );
}
