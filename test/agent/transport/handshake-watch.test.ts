import type { MultiaddrConnection } from "@libp2p/interface";
import { multiaddr } from "@multiformats/multiaddr";
import { describe, expect, it } from "vitest";
import { Counters } from "#agent/transport/counters.ts";
import { HandshakeWatch } from "#agent/transport/handshake-watch.ts";
import { MemoryLog } from "../../support/memory-log.ts";

const ADDRESS = "10.0.0.7";

function watchOf(isOpen = false): { watch: HandshakeWatch; log: MemoryLog } {
  const log = new MemoryLog();
  const counters = new Counters(log);
  return {
    watch: new HandshakeWatch({ counters, nowMs: () => 0, isOpen, hasRoom: () => true }),
    log,
  };
}

/** As libp2p names it when the first bytes of the other end make no sense. */
function notUnderstood(message = "Message length too long - 13135 > 1024"): Error {
  const error = new Error(message);
  error.name = "EncryptionFailedError";
  return error;
}

describe("HandshakeWatch.failed()", () => {
  it("tells of a peer that resets the connection twice", () => {
    const { watch, log } = watchOf();
    watch.failed(ADDRESS, notUnderstood("read ECONNRESET"), 3);
    expect(log.messages).toEqual([]);
    watch.failed(ADDRESS, notUnderstood("read ECONNRESET"), 3);
    expect(log.messages).toHaveLength(1);
  });

  it("tells once of a peer that is not understood", () => {
    const { watch, log } = watchOf();
    for (let i = 0; i < 5; i++) watch.failed(ADDRESS, new AggregateError([notUnderstood()]), 3);
    expect(log.messages).toHaveLength(1);
    expect(log.messages[0]).toContain(`${ADDRESS} holds another cluster key, or none`);
    expect(log.messages[0]).toContain("evenkeel key fingerprint");
  });

  it.each([
    { name: "an unreachable host", error: new Error("connect ECONNREFUSED"), elapsedMs: 1 },
    { name: "a busy host", error: notUnderstood("aborted due to timeout"), elapsedMs: 5_000 },
    { name: "a busy host's reset", error: notUnderstood("read ECONNRESET"), elapsedMs: 4_000 },
    { name: "another host there", error: notUnderstood("Payload identity key"), elapsedMs: 3 },
    { name: "a peer that hung up", error: undefined, elapsedMs: 3 },
  ])("calls $name no stranger", ({ error, elapsedMs }) => {
    const { watch, log } = watchOf();
    for (let i = 0; i < 5; i++) watch.failed(ADDRESS, error, elapsedMs);
    expect(log.messages).toEqual([]);
  });

  it("bounds what it remembers and logs", () => {
    const { watch, log } = watchOf();
    for (let i = 0; i < 5_000; i++) {
      for (let j = 0; j < 2; j++) watch.failed(`10.0.${i >> 8}.${i & 255}`, notUnderstood(), 3);
    }
    expect(log.messages.length).toBeLessThanOrEqual(1_024);
  });
});

describe("HandshakeWatch.gater()", () => {
  it("lets an agent without a key deal with private addresses only", () => {
    const connection = (ip: string): MultiaddrConnection =>
      ({
        remoteAddr: multiaddr(`/ip4/${ip}/tcp/7400`),
        addEventListener: () => undefined,
      }) as unknown as MultiaddrConnection;
    for (const isOpen of [false, true]) {
      const gater = watchOf(isOpen).watch.gater();
      expect(gater.denyInboundConnection?.(connection("8.8.8.8"))).toBe(isOpen);
      expect(gater.denyInboundConnection?.(connection(ADDRESS))).toBe(false);
      expect(gater.denyDialMultiaddr?.(multiaddr("/ip4/8.8.8.8/tcp/1"))).toBe(isOpen);
      expect(gater.denyDialMultiaddr?.(multiaddr("/ip4/10.0.0.7/tcp/1"))).toBe(false);
    }
  });
});
