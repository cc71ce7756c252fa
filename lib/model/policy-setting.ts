import { changedPolicy, noPolicy, type PolicyChange } from "./policy-change.ts";
import { policyDefaults, priorityMax, shutdownPolicies, type VmPolicy } from "./vm-spec.ts";

/**
 * A policy in an admin's words: `pin=host-b`, in a command and as attributes of libvirt's metadata.
 * One reading for both, so that no place takes what another refuses.
 */

export const policySettings = [
  "managed",
  "pin",
  "ignore",
  "affinity",
  "anti-affinity",
  "priority",
  "shutdown",
] as const;
export type PolicySetting = (typeof policySettings)[number];

/** What takes a setting back to its default. */
const NONE: ReadonlySet<string> = new Set(["", "none"]);
const FLAGS: Readonly<Record<string, boolean>> = { yes: true, true: true, no: false, false: false };
const GROUP = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const GROUP_WANTED = "a group's name (1 to 63 of a-z, 0-9 and -), or none";
const HOST_NAME = /^[^\p{Cc}\s=<>&'"]{1,64}$/u;

/** What is wrong, after the name of the setting and with what it takes. */
export interface SettingProblem {
  readonly problem: string;
}

/** One setting, by name and value. */
export function readPolicySetting(name: string, text: string): PolicyChange | SettingProblem {
  const setting = policySettings.find((one) => one === name);
  if (setting !== undefined) return readers[setting](text);
  return { problem: `"${shown(name)}" is no setting: there are ${policySettings.join(", ")}` };
}

const readers: Readonly<Record<PolicySetting, (text: string) => PolicyChange | SettingProblem>> = {
  managed: (text) => readFlag("managed", text),
  ignore: (text) => readFlag("ignore", text),
  pin: (text) => {
    if (NONE.has(text)) return { pin: null };
    return HOST_NAME.test(text) ? { pin: text } : refused("pin", text, "a host's name, or none");
  },
  affinity: (text) => {
    const group = groupOf(text);
    return group === undefined ? refused("affinity", text, GROUP_WANTED) : { affinityGroup: group };
  },
  "anti-affinity": (text) => {
    const group = groupOf(text);
    if (group === undefined) return refused("anti-affinity", text, GROUP_WANTED);
    return { antiAffinityGroup: group };
  },
  priority: readPriority,
  shutdown: (text) => {
    if (NONE.has(text)) return { shutdown: null };
    const shutdown = shutdownPolicies.find((one) => one === text);
    return shutdown
      ? { shutdown }
      : refused("shutdown", text, `one of ${shutdownPolicies.join(", ")}`);
  },
};

function readFlag(name: "managed" | "ignore", text: string): PolicyChange | SettingProblem {
  const flag = Object.hasOwn(FLAGS, text) ? FLAGS[text] : undefined;
  return flag === undefined ? refused(name, text, "yes or no") : { [name]: flag };
}

/** Null for none, undefined for no group's name. */
function groupOf(text: string): string | null | undefined {
  if (NONE.has(text)) return null;
  return GROUP.test(text) ? text : undefined;
}

/** The settings of a policy that are not at their default, as they are written. */
export function policyWords(policy: VmPolicy): readonly (readonly [PolicySetting, string])[] {
  const { pin, ignore, affinityGroup, antiAffinityGroup, ...rest } = changedPolicy(policy, {});
  const words: [PolicySetting, string | null][] = [
    ["managed", rest.managed === false ? "no" : null],
    ["pin", pin],
    ["ignore", ignore ? "yes" : null],
    ["affinity", affinityGroup],
    ["anti-affinity", antiAffinityGroup],
    ["priority", rest.priority === undefined ? null : String(rest.priority)],
    ["shutdown", rest.shutdown ?? null],
  ];
  return words.flatMap(([name, text]) => (text === null ? [] : [[name, text] as const]));
}

/** `pin=host-b shutdown=suspend`, or the word for a policy that asks for nothing. */
export function policyText(policy: VmPolicy): string {
  const words = policyWords(policy).map(([name, text]) => `${name}=${text}`);
  return words.length === 0 ? "no rules" : words.join(" ");
}

/** All settings of one text; what is not named is at its default. */
export function readPolicySettings(
  pairs: readonly (readonly [string, string])[],
): VmPolicy | SettingProblem {
  let policy = noPolicy;
  for (const [name, text] of pairs) {
    const read = readPolicySetting(name, text);
    if ("problem" in read) return read;
    policy = changedPolicy(policy, read);
  }
  return policy;
}

function readPriority(text: string): PolicyChange | SettingProblem {
  if (NONE.has(text)) return { priority: null };
  const priority = /^[0-9]{1,3}$/.test(text) ? Number(text) : priorityMax + 1;
  if (priority <= priorityMax) return { priority };
  const wanted = `a number from 0 to ${priorityMax} (${policyDefaults.priority} when none is given)`;
  return refused("priority", text, wanted);
}

function refused(name: string, text: string, wanted: string): SettingProblem {
  return { problem: `${name}: "${shown(text)}" is not ${wanted}` };
}

function shown(text: string): string {
  return text.slice(0, 64).replace(/\p{Cc}/gu, " ");
}
