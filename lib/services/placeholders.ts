import type { ServiceSpec } from "../model/service.ts";

const placeholderPattern = /\$\{([^{}]*)\}/g;

/** Substitutions under this name hold for every host that does not say otherwise. */
export const everyHost = "*";

/** The keys of all `${key}` in a text, in their order; "" where one is opened and not closed. */
export function placeholdersIn(text: string): readonly string[] {
  const keys = [...text.matchAll(placeholderPattern)].map((match) => match[1] ?? "");
  return text.replaceAll(placeholderPattern, "").includes("${") ? [...keys, ""] : keys;
}

/** What stands for each key at this host: its own substitutions before common ones, then built-ins. */
export function substitutionsAt(
  spec: Pick<ServiceSpec, "name" | "hosts">,
  hostName: string,
): ReadonlyMap<string, string> {
  return new Map([
    ...ownEntries(spec.hosts, everyHost),
    ...ownEntries(spec.hosts, hostName),
    ["host", hostName],
    ["service", spec.name],
  ]);
}

/** The text with every `${key}` replaced; null when one of them has nothing to stand for it. */
export function substitute(text: string, values: ReadonlyMap<string, string>): string | null {
  if (placeholdersIn(text).some((key) => !values.has(key))) return null;
  return text.replaceAll(placeholderPattern, (_, key: string) => values.get(key) ?? "");
}

function ownEntries(hosts: ServiceSpec["hosts"], name: string): [string, string][] {
  return Object.hasOwn(hosts, name) ? Object.entries(hosts[name] ?? {}) : [];
}
