import { existsSync } from "node:fs";
import { join } from "node:path";
import { createPrivateFile } from "./private-file.ts";
import { ClusterKeyError, StateWriteError } from "./store-error.ts";

const FILE_NAME = "keyed";

/** True when an agent with this state directory ever ran with a cluster key. */
export function wasKeyed(stateDirectory: string): boolean {
  return existsSync(join(stateDirectory, FILE_NAME));
}

/**
 * Once keyed, always keyed. Call at each start, before any network: leaves the mark when there is
 * a key, and throws ClusterKeyError when there is none although there was one before, so that a
 * key file that vanished never turns into an agent in the open.
 */
export function keepKeyed(stateDirectory: string, key: { keyed: boolean; keyFile: string }): void {
  const path = join(stateDirectory, FILE_NAME);
  if (key.keyed) {
    if (!existsSync(path)) createMark(path);
    return;
  }
  if (!existsSync(path)) return;
  throw new ClusterKeyError(
    `${key.keyFile}: no cluster key there, but this host had one before: put the key back ` +
      `(or remove ${path} to run in the open, where the agent never acts)`,
  );
}

function createMark(path: string): void {
  createPrivateFile(path, "This host has had a cluster key.\n", {
    what: "mark of a keyed host",
    failure: (message, options) => new StateWriteError(message, options),
  });
}
