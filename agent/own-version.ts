import { readFileSync } from "node:fs";

/** Installed, the manifest lies beside the bundle; from the sources it is at most this many folders up. */
const LEVELS_MAX = 3;

/** The version in the manifest that this command came with; "unknown" where there is none. */
export function ownVersion(): string {
  for (let level = 0; level <= LEVELS_MAX; level += 1) {
    const manifest = readManifest(new URL(`./${"../".repeat(level)}package.json`, import.meta.url));
    if (manifest?.["name"] === "evenkeel") return String(manifest["version"]);
  }
  return "unknown";
}

function readManifest(url: URL): Record<string, unknown> | undefined {
  try {
    return JSON.parse(readFileSync(url, "utf8"));
  } catch {
    return undefined;
  }
}
