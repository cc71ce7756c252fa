import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { messageOf } from "./node-error.ts";
import { StateDirectoryError } from "./store-error.ts";

/** Bits of a mode that let anybody but the owner change what is inside. */
const OTHERS_WRITE_MASK = 0o022;

/**
 * Makes the state directory (0700) when it is missing, and checks that the agent can write there
 * and nobody else can. Call before anything else in it is used. Throws StateDirectoryError.
 */
export function prepareStateDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    const remedy = "make it a folder that the agent's user may write, or set stateDirectory";
    const problem = `${path}: the state directory cannot be used: ${messageOf(cause)}`;
    throw new StateDirectoryError(`${problem}: ${remedy}`, { cause });
  }
  checkOwner(path);
}

function checkOwner(path: string): void {
  const { mode, uid } = statSync(path);
  if ((mode & OTHERS_WRITE_MASK) !== 0) {
    const shown = (mode & 0o777).toString(8).padStart(4, "0");
    throw new StateDirectoryError(
      `${path}: others may write in the state directory (mode ${shown}): chmod 700 ${path}`,
    );
  }
  const user = process.getuid?.() ?? 0;
  if (uid !== 0 && uid !== user) {
    throw new StateDirectoryError(
      `${path}: the state directory belongs to user ${uid}: chown ${user} ${path}`,
    );
  }
}
