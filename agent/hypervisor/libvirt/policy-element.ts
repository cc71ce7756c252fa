import { createHash } from "node:crypto";
import type { ShownPolicy } from "#lib/model/copy.ts";
import { policyProblem } from "#lib/model/policy-change.ts";
import { policyText, policyWords, readPolicySettings } from "#lib/model/policy-setting.ts";
import type { VmPolicy } from "#lib/model/vm-spec.ts";
import { escapedXml } from "./escaped-xml.ts";

/** Namespace of the policy among a domain's metadata: an interface to admins, never renamed. */
export const policyNamespace = "urn:evenkeel:policy:1";

const ELEMENT_LENGTH_MAX = 2048;
const STAMP = "stamp";
const ATTRIBUTE = /\s+([A-Za-z_][\w.:-]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/g;
const ELEMENT =
  /^<(?:[A-Za-z_][\w.-]*:)?policy((?:\s+[A-Za-z_][\w.:-]*\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(?:\/>|>\s*<\/(?:[A-Za-z_][\w.-]*:)?policy\s*>)$/;
const ENTITIES: Readonly<Record<string, string>> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
  "&amp;": "&",
};

/** The attributes of the element that says this policy; the stamp tells that evenkeel wrote it. */
export function policyAttributes(policy: VmPolicy): string {
  return [...policyWords(policy), [STAMP, stampOf(policy)] as const]
    .map(([name, text]) => `${name}='${escapedXml(text)}'`)
    .join(" ");
}

/** What virsh takes for `metadata --set`: it adds the namespace. */
export function policyElement(policy: VmPolicy): string {
  return `<policy ${policyAttributes(policy)}/>`;
}

/** An element as `virsh metadata` prints it. Without the stamp that fits, a hand has written it. */
export function readPolicyElement(text: string): ShownPolicy {
  const element = text.trim();
  if (element.length > ELEMENT_LENGTH_MAX) {
    return unreadable(`it is longer than ${ELEMENT_LENGTH_MAX} characters`);
  }
  const attributes = ELEMENT.exec(element)?.[1];
  if (attributes === undefined) {
    return unreadable("it is not one empty element <policy …/> with settings as attributes");
  }
  const pairs = [...attributes.matchAll(ATTRIBUTE)].map(
    ([, name = "", double, single]) => [name, unescaped(double ?? single ?? "")] as const,
  );
  const settings = pairs.filter(([name]) => name !== STAMP && !/^xmlns(:|$)/.test(name));
  const policy = readPolicySettings(settings);
  if ("problem" in policy) return unreadable(policy.problem);
  const problem = policyProblem(policy);
  if (problem !== null) return unreadable(problem);
  const stamp = pairs.find(([name]) => name === STAMP)?.[1];
  return { policy, isEdited: stamp !== stampOf(policy), problem: null };
}

function unreadable(why: string): ShownPolicy {
  const remedy = `mend it (virsh metadata --uri ${policyNamespace}), or set it anew with evenkeel vm set`;
  const problem = `its policy in libvirt cannot be read: ${why}: ${remedy}`;
  return { policy: null, isEdited: true, problem };
}

function stampOf(policy: VmPolicy): string {
  return createHash("sha256").update(policyText(policy)).digest("hex").slice(0, 8);
}

function unescaped(text: string): string {
  return text.replace(/&(?:lt|gt|quot|apos|amp);/g, (entity) => ENTITIES[entity] ?? entity);
}
