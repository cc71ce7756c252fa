import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import { type HostId, isHostId } from "#lib/model/ids.ts";
import { wireLimits } from "#lib/wire/limits.ts";
import { Malformed } from "#lib/wire/malformed.ts";
import type { DatagramMessage } from "#lib/wire/messages.ts";
import { readMessage } from "#lib/wire/validate-message.ts";
import { pack, unpack } from "./msgpack.ts";
import { ReplayWindow } from "./replay-window.ts";

const MAC_BYTES = 32;

export type PacketProblem = "oversized" | "truncated" | "hmac" | "replay" | "malformed";

export interface OpenedPacket {
  readonly from: HostId;
  readonly message: DatagramMessage;
}

export interface ProbePacketsOptions {
  readonly self: HostId;
  readonly key: Uint8Array;
  /** A number that this process starts counting its packets from; random, so that lives differ. */
  readonly salt: number;
}

/**
 * Probes and acks as UDP packets: HMAC-SHA256 over receiver, salt, sender and message, then those.
 * The salt makes each packet different, so that one that comes twice is a replay.
 */
export class ProbePackets {
  readonly #options: ProbePacketsOptions;
  /** Made once: from raw bytes each HMAC takes three times as long. */
  readonly #key: KeyObject;
  readonly #seen = new ReplayWindow();
  #salt: number;

  constructor(options: ProbePacketsOptions) {
    this.#options = options;
    this.#key = createSecretKey(options.key);
    this.#salt = options.salt;
  }

  seal(to: HostId, message: DatagramMessage): Uint8Array {
    this.#salt += 1;
    const body = pack([this.#salt, this.#options.self, message]);
    return Buffer.concat([this.#macOf(to, body), body]);
  }

  open(packet: Uint8Array): OpenedPacket | PacketProblem {
    if (packet.length > wireLimits.datagramBytesMax) return "oversized";
    if (packet.length <= MAC_BYTES) return "truncated";
    const mac = packet.subarray(0, MAC_BYTES);
    const body = packet.subarray(MAC_BYTES);
    if (!timingSafeEqual(mac, this.#macOf(this.#options.self, body))) return "hmac";
    if (!this.#seen.add(Buffer.from(mac).toString("base64"))) return "replay";
    return readBody(body, this.#options.self) ?? "malformed";
  }

  #macOf(receiver: HostId, body: Uint8Array): Buffer {
    const hmac = createHmac("sha256", this.#key);
    // A host id has no NUL, so receiver and body cannot run into each other.
    return hmac.update(`${receiver}\0`).update(body).digest();
  }
}

function readBody(body: Uint8Array, self: HostId): OpenedPacket | undefined {
  const value = unpack(body);
  if (!Array.isArray(value) || value.length !== 3) return undefined;
  const [, from, content] = value;
  if (!isHostId(from) || from === self) return undefined;
  const message = readMessage(content);
  if (message instanceof Malformed) return undefined;
  switch (message.type) {
    case "probe":
    case "ack":
    case "indirectProbe":
      return { from, message };
    default:
      return undefined;
  }
}
