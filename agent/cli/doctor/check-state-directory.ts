import { accessSync, constants, statfsSync, statSync } from "node:fs";
import { formatBytes } from "../units.ts";
import { type Check, type Finding, fail, ok, warn, wordsOf } from "./finding.ts";

/** A full disk ends the agent: a journal line that cannot be written must not be acted on. */
const FREE_BYTES_MIN = 64 * 2 ** 20;
const FREE_BYTES_WARN = 2 ** 30;

const OTHERS_MASK = 0o077;

/** Where the journal and this host's identity live. */
export const checkStateDirectory: Check = async ({ config }) => {
  const path = config.stateDirectory;
  try {
    const stat = statSync(path);
    if (!stat.isDirectory()) return [fail("state", `${path} is not a directory`, "move it away")];
    const mode = (stat.mode & 0o777).toString(8).padStart(4, "0");
    const access =
      (stat.mode & OTHERS_MASK) === 0
        ? ok("state", `${path}, mode ${mode}`)
        : fail("state", `${path} is open to others (mode ${mode})`, `chmod 700 ${path}`);
    return [access, ...writability(path), freeSpace(path)];
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    if (!isMissing) return [fail("state", wordsOf(error), "run the doctor as root")];
    return [
      warn("state", `${path} does not exist yet`, "systemd makes it at the start of the agent"),
    ];
  }
};

function writability(path: string): readonly Finding[] {
  try {
    accessSync(path, constants.W_OK);
    return [];
  } catch {
    const remedy = "run the doctor as the agent's user, or give the directory to it";
    return [warn("state", `${path} cannot be written by this user`, remedy)];
  }
}

function freeSpace(path: string): Finding {
  const { bavail, bsize } = statfsSync(path);
  const free = bavail * bsize;
  const detail = `${formatBytes(free)} free at ${path}`;
  const remedy = "make room: suspended VMs and the journal are written there";
  if (free < FREE_BYTES_MIN) return fail("space", detail, remedy);
  return free < FREE_BYTES_WARN ? warn("space", detail, remedy) : ok("space", detail);
}
