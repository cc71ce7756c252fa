import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { privateKeyFromRaw } from "@libp2p/crypto/keys";
import type { PrivateKey } from "@libp2p/interface";
import { peerIdFromPrivateKey, peerIdFromString } from "@libp2p/peer-id";
import type { HostId } from "#lib/model/ids.ts";
import { TransportError } from "./transport-error.ts";

/** What stands before 32 raw bytes of an ed25519 key in DER (RFC 8410, sections 4 and 7). */
const PRIVATE_KEY_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const PUBLIC_KEY_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

const SEED_BYTES = 32;
/** Parsed public keys kept; parsing one again costs about as much as verifying with it. */
const KEYS_MAX = 4096;

/** Signs with this host's ed25519 key and verifies with the keys that host ids contain. */
export class HostKeys {
  /** This host's key in libp2p's form. */
  readonly privateKey: PrivateKey;
  readonly host: HostId;
  readonly #own: KeyObject;
  readonly #publicKeys = new Map<HostId, KeyObject>();

  /** Throws TransportError unless `seed` is 32 bytes. */
  constructor(seed: Uint8Array) {
    if (seed.length !== SEED_BYTES) {
      throw new TransportError(
        `host identity: the key seed has ${seed.length} bytes instead of ${SEED_BYTES}; restore the identity file or remove it to get a new one`,
      );
    }
    this.#own = createPrivateKey({
      key: Buffer.concat([PRIVATE_KEY_PREFIX, seed]),
      format: "der",
      type: "pkcs8",
    });
    const der = createPublicKey(this.#own).export({ format: "der", type: "spki" });
    const publicBytes = der.subarray(PUBLIC_KEY_PREFIX.length);
    this.privateKey = privateKeyFromRaw(Buffer.concat([seed, publicBytes]));
    this.host = peerIdFromPrivateKey(this.privateKey).toString();
  }

  sign(bytes: Uint8Array): Uint8Array {
    return new Uint8Array(sign(null, bytes, this.#own));
  }

  /** False also when `host` is no ed25519 peer id. */
  verify(host: HostId, bytes: Uint8Array, signature: Uint8Array): boolean {
    const key = this.#publicKeyOf(host);
    return key !== undefined && verify(null, bytes, key, signature);
  }

  #publicKeyOf(host: HostId): KeyObject | undefined {
    const known = this.#publicKeys.get(host);
    if (known) return known;
    const key = publicKeyIn(host);
    if (!key) return undefined;
    const oldest = this.#publicKeys.keys().next();
    if (this.#publicKeys.size >= KEYS_MAX && !oldest.done) this.#publicKeys.delete(oldest.value);
    this.#publicKeys.set(host, key);
    return key;
  }
}

function publicKeyIn(host: HostId): KeyObject | undefined {
  try {
    const peer = peerIdFromString(host);
    if (peer.type !== "Ed25519") return undefined;
    const key = Buffer.concat([PUBLIC_KEY_PREFIX, peer.publicKey.raw]);
    return createPublicKey({ key, format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}
