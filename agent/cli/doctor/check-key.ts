import { existsSync } from "node:fs";
import { clusterKeyFingerprint, readClusterKeyFile } from "../../store/cluster-key.ts";
import { type Check, fail, ok, warn, wordsOf } from "./finding.ts";

/** Is there a key, is it one, and is it closed to everybody else? */
export const checkKey: Check = async ({ config }) => {
  const { path, required } = config.keyFile;
  try {
    const key = readClusterKeyFile(path);
    return [ok("key", `${path}: ${key.id}, fingerprint ${clusterKeyFingerprint(key)}`)];
  } catch (error) {
    if (required || existsSync(path)) return [fail("key", wordsOf(error), keyRemedy(path))];
    return [
      warn(
        "key",
        `no key at ${path}: the agent shows and advises, but never acts`,
        keyRemedy(path),
      ),
    ];
  }
};

function keyRemedy(path: string): string {
  return `on one host: evenkeel key generate --out ${path}; copy it to the others with mode 0600`;
}
