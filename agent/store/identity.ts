import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createPrivateFile, readPrivateFile } from "./private-file.ts";
import { IdentityError, StateWriteError } from "./store-error.ts";

const FILE_NAME = "identity.key";
const FORMAT = "evenkeel-identity-v1";
const SEED_BYTES = 32;
const FILE_BYTES_MAX = 256;

const identityPattern = /^evenkeel-identity-v1 ([A-Za-z0-9+/]{43}=)$/;

const failure = (message: string, options?: { cause: unknown }) =>
  new IdentityError(message, options);

/**
 * The ed25519 seed (32 bytes) that is this host's identity, from `STATE/identity.key`; made there
 * (0600) at the first start. Throws IdentityError, or StateWriteError: a broken identity is never replaced by itself,
 * because the cluster would take the host for a new one and its VMs for a dead host's.
 */
export function loadIdentity(stateDirectory: string): Uint8Array {
  const path = join(stateDirectory, FILE_NAME);
  if (!existsSync(path)) createIdentity(path);
  const text = readPrivateFile(path, {
    what: "host identity",
    bytesMax: FILE_BYTES_MAX,
    failure,
    missingRemedy: "restart the agent to make one",
  });
  const match = identityPattern.exec(text.trim());
  const seed = Buffer.from(match?.[1] ?? "", "base64");
  if (seed.length !== SEED_BYTES) {
    throw new IdentityError(
      `${path}: broken host identity: restore it from a backup, or, if this host holds no VMs, ` +
        "remove the file to join as a new host",
    );
  }
  return seed;
}

function createIdentity(path: string): void {
  const line = `${FORMAT} ${randomBytes(SEED_BYTES).toString("base64")}\n`;
  createPrivateFile(path, line, {
    what: "host identity",
    failure: (message, options) => new StateWriteError(message, options),
  });
}
