import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { clusterKeyFingerprint, readClusterKeyFile } from "../../store/cluster-key.ts";
import { type Check, type Finding, fail, ok, warn, wordsOf } from "./finding.ts";

const WRITABLE_BY_OTHERS = 0o022;
/** In such a folder (/tmp) nobody can replace what is another's. */
const STICKY = 0o1000;

/** Is there a key, is it one, and is it closed to everybody else? */
export const checkKey: Check = async ({ config }) => {
  const { path, required, isCredential } = config.keyFile;
  try {
    const key = readClusterKeyFile(path, isCredential);
    const found = ok("key", `${path}: ${key.id}, fingerprint ${clusterKeyFingerprint(key)}`);
    return isOpenToOthers(dirname(path)) ? [folderFinding(dirname(path))] : [found];
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

/** Whoever may write in the folder may put another key there, and be root on this host. */
function isOpenToOthers(folder: string): boolean {
  const { mode } = statSync(folder);
  return (mode & WRITABLE_BY_OTHERS) !== 0 && (mode & STICKY) === 0;
}

function folderFinding(folder: string): Finding {
  return fail(
    "key",
    `${folder} can be written by others: they could change the key`,
    `chmod 700 ${folder}`,
  );
}

function keyRemedy(path: string): string {
  return `on one host: evenkeel key generate --out ${path}; copy it to the others with mode 0600`;
}
