import type { MoveId } from "#lib/model/ids.ts";

/** What the agent tells a channel process: one JSON line on its stdin. Never in argv: it has a key. */
interface OrderBase {
  /** The TLS identity: which move this channel is for. */
  readonly moveId: MoveId;
  /** Pre-shared key of this move alone, 32 bytes in hex. */
  readonly keyHex: string;
  /** Listen: where the hypervisor waits. Connect: where the hypervisor shall stream into. */
  readonly socketPath: string;
  /** How often the source's hypervisor may connect. */
  readonly connectionsMax: number;
  /** Cap on what flows from source to target; 0 for none. */
  readonly bandwidthBytesPerSecond: number;
}

export interface ListenOrder extends OrderBase {
  readonly end: "listen";
  /** Where connections go that do not begin as a memory stream; null: there is one connection. */
  readonly controlPath: string | null;
  /** Where connections go that the source's end marks as a disk's; null: there are none. */
  readonly diskPath: string | null;
  readonly address: string;
  /** First free port of the range is taken; both 0 for any. */
  readonly portMin: number;
  readonly portMax: number;
}

export interface ConnectOrder extends OrderBase {
  readonly end: "connect";
  /** Where the hypervisor connects to for its disks; null: it does not. */
  readonly diskSocketPath: string | null;
  /** Tried in this order. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** Own address to connect from, which chooses the network; null for the system's choice. */
  readonly localAddress: string | null;
  /** For one address: TCP connection and TLS handshake together. */
  readonly connectMsMax: number;
}

export type ChannelOrder = ListenOrder | ConnectOrder;

/** What a channel process tells the agent: JSON lines on its stdout. */
export type ChannelReport =
  | { readonly report: "ready"; readonly port: number | null }
  /** Both directions have ended; the process exits. */
  | { readonly report: "ended"; readonly sentBytes: number; readonly receivedBytes: number }
  | { readonly report: "failed"; readonly problem: string };

/** TLS 1.3 with a pre-shared key and fresh ephemeral keys: no certificates anywhere. */
export const channelTls = {
  minVersion: "TLSv1.3",
  maxVersion: "TLSv1.3",
  ciphers: "TLS_AES_128_GCM_SHA256",
} as const;

/**
 * The target's first byte, sent once it has let the source in. In TLS 1.3 the source's handshake is
 * over before the target has checked it: without this word a source could be ready, and die, and
 * the target would go on waiting for it.
 */
export const CHANNEL_WELCOME = 0x45;
