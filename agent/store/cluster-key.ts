import { hkdfSync, randomBytes } from "node:crypto";
import type { MoveId } from "#lib/model/ids.ts";
import { createPrivateFile, readPrivateFile } from "./private-file.ts";
import { ClusterKeyError } from "./store-error.ts";

const KEY_FORMAT = "evenkeel-key-v1";
const SECRET_BYTES = 32;
const ID_BYTES = 4;
const HKDF_SALT = "evenkeel";
const FILE_BYTES_MAX = 1024;

const keyLinePattern = /^evenkeel-key-v1 ([0-9a-f]{8}) ([A-Za-z0-9+/]{43}=)$/;

/** The one secret of a cluster: whoever holds it is root on all its hosts. */
export interface ClusterKey {
  /** 8 hex digits, random: tells keys apart in files and logs and says nothing of the secret. */
  readonly id: string;
  /** 32 random bytes. Never logged, never sent; used through `deriveSecrets` only. */
  readonly secret: Uint8Array;
}

/** What is made of the cluster key: one HKDF label a use, so that none reveals another. */
export interface ClusterSecrets {
  /** libp2p private network, 32 bytes. */
  readonly pnetKey: Uint8Array;
  /** HMAC of the probes, 32 bytes. */
  readonly probeKey: Uint8Array;
  /** mDNS service tag, `_ek-XXXXXXXXXX._udp.local`: agents of other clusters never answer. */
  readonly serviceTag: string;
  /** Pre-shared TLS key of one move's channel, 32 bytes. */
  channelKey(moveId: MoveId): Uint8Array;
}

export function generateClusterKey(): ClusterKey {
  return { id: randomBytes(ID_BYTES).toString("hex"), secret: randomBytes(SECRET_BYTES) };
}

/** The one line of a key file, without its end of line. */
export function formatClusterKey(key: ClusterKey): string {
  return `${KEY_FORMAT} ${key.id} ${Buffer.from(key.secret).toString("base64")}`;
}

/**
 * Reads a key line; white space around it is ignored. Throws ClusterKeyError, whose message never
 * quotes the text: it may be nearly a good key.
 */
export function parseClusterKey(text: string, source = "cluster key"): ClusterKey {
  const match = keyLinePattern.exec(text.trim());
  const secret = Buffer.from(match?.[2] ?? "", "base64");
  if (!match?.[1] || secret.length !== SECRET_BYTES) {
    throw new ClusterKeyError(
      `${source}: not a cluster key: expected one line "${KEY_FORMAT} ID BASE64" ` +
        "(make one with: evenkeel key generate --out FILE)",
    );
  }
  return { id: match[1], secret };
}

/**
 * Reads and checks a key file: a plain file, owned by root or this user, closed to everybody else.
 * Throws ClusterKeyError with the remedy.
 */
export function readClusterKeyFile(path: string, isCredential = false): ClusterKey {
  const text = readPrivateFile(path, {
    isCredential,
    what: "cluster key",
    bytesMax: FILE_BYTES_MAX,
    failure: (message, options) => new ClusterKeyError(message, options),
    missingRemedy:
      "make one with `evenkeel key generate --out FILE` on one host and copy it to the others",
  });
  return parseClusterKey(text, path);
}

/** Writes a new key file with mode 0600. Throws ClusterKeyError when the path is taken. */
export function writeClusterKeyFile(path: string, key: ClusterKey): void {
  createPrivateFile(path, `${formatClusterKey(key)}\n`, {
    what: "cluster key",
    failure: (message, options) => new ClusterKeyError(message, options),
  });
}

/** Same on all hosts that hold the same key; 16 hex digits in four groups, safe to show. */
export function clusterKeyFingerprint(key: ClusterKey): string {
  const digits = derive(key, "fingerprint").subarray(0, 8).toString("hex");
  return digits.replace(/(.{4})(?=.)/g, "$1-");
}

export function deriveSecrets(key: ClusterKey): ClusterSecrets {
  const channelRoot = derive(key, "channel");
  return {
    pnetKey: derive(key, "pnet"),
    probeKey: derive(key, "probe"),
    serviceTag: `_ek-${derive(key, "mdns").subarray(0, 5).toString("hex")}._udp.local`,
    channelKey: (moveId) => hkdf(channelRoot, `move ${moveId}`),
  };
}

/** The key's id enters the derivation: two files that differ are two clusters. */
function derive(key: ClusterKey, label: string): Buffer {
  return hkdf(key.secret, `${KEY_FORMAT} ${key.id} ${label}`);
}

function hkdf(secret: Uint8Array, label: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, HKDF_SALT, label, SECRET_BYTES));
}
