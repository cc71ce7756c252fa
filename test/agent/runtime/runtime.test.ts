import { describe, expect, it } from "vitest";
import type { Journal } from "#agent/ports/journal.ts";
import type { Transport, TransportHandler } from "#agent/ports/transport.ts";
import { Runtime } from "#agent/runtime/runtime.ts";
import type { JournalEntry } from "#lib/core/effects.ts";
import { defaultCoreSettings } from "#lib/core/node-options.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { MemoryLog } from "../../support/memory-log.ts";
import { stubHypervisor } from "../../support/stub-hypervisor.ts";

const self = "12D3KooWBQ7kD9WNGfbUc42iAxqq2wEz6JSySHKxqsN52Vz6UBAj";
const peer = "12D3KooWRRVKxr6944kBajnCDM5avhjgaFbCS13seQbZrCbKQJUa";

/** An agent whose journal answers when the test says so, and whose transport only notes. */
function rig() {
  const clock = new ManualClock();
  const did: string[] = [];
  const writes: { entries: readonly JournalEntry[]; end: PromiseWithResolvers<void> }[] = [];
  let handler: TransportHandler | undefined;
  const journal: Journal = {
    readAll: async () => [],
    write: (entries) => {
      const end = Promise.withResolvers<void>();
      writes.push({ entries, end });
      did.push("write");
      return end.promise;
    },
    close: async () => undefined,
  };
  const transport: Transport = {
    self,
    start: async (given) => {
      handler = given;
    },
    stop: async () => undefined,
    send: (_to, message) => did.push(`send ${message.type}`),
    datagram: (_to, message) => did.push(`datagram ${message.type}`),
    broadcast: () => did.push("broadcast"),
    setPeers: () => did.push("peers"),
    connectedPeers: () => [],
    clockSkewsMs: () => new Map(),
    counters: () => ({
      sentBytes: 0,
      receivedBytes: 0,
      sentMessages: 0,
      receivedMessages: 0,
      dropped: {},
    }),
  };
  const failures: unknown[] = [];
  const runtime = new Runtime({
    node: {
      self,
      name: "host-a",
      keyed: true,
      agentVersion: "0",
      seed: "00",
      settings: defaultCoreSettings,
    },
    bootId: "boot",
    instance: "0123456789abcdef",
    clock,
    journal,
    transport,
    hypervisor: stubHypervisor(),
    channel: {
      warm: () => undefined,
      listen: async () => ({ port: 1 }),
      connect: async () => ({ socketPath: "" }),
      close: async () => undefined,
      stop: async () => undefined,
    },
    channelAddress: null,
    sampler: { sample: async () => undefined },
    log: new MemoryLog(),
    turned: () => undefined,
    failed: (error) => failures.push(error),
  });
  return { runtime, clock, did, writes, failures, handler: () => handler };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("Runtime", () => {
  it("sends nothing before the journal's line is durable, but lets datagrams overtake", async () => {
    const { runtime, did, writes, handler } = rig();
    await runtime.start();
    await runtime.startTransport();
    expect(did).toEqual(["write"]);
    handler()?.peerConnected(peer);
    const message = { type: "probe", nonce: 5, incarnation: 1, suspected: false } as const;
    handler()?.messageReceived(peer, "datagram", message);
    await settled();
    expect(did).toEqual(["write", "datagram ack"]);
    writes[0]?.end.resolve();
    await settled();
    expect(did).toEqual(["write", "datagram ack", "send digest"]);
  });

  it("ends the agent when the journal cannot write, and does nothing more", async () => {
    const { runtime, did, writes, failures, handler } = rig();
    await runtime.start();
    await runtime.startTransport();
    handler()?.peerConnected(peer);
    writes[0]?.end.reject(new Error("disk full"));
    await settled();
    expect(failures).toEqual([new Error("disk full")]);
    handler()?.peerConnected(peer);
    await settled();
    expect(did).toEqual(["write"]);
  });

  it("arms one timer, for the core's next wish", async () => {
    const { runtime, clock, writes, did } = rig();
    await runtime.start();
    writes[0]?.end.resolve();
    await settled();
    const waiting = clock.waiting;
    clock.advance(5_000);
    await settled();
    // The core's and the sampler's: neither piles up.
    expect(clock.waiting).toBeLessThanOrEqual(waiting);
    expect(did).toContain("write");
  });

  it("answers a verb and shows notices to listeners", async () => {
    const { runtime, writes } = rig();
    await runtime.start();
    writes[0]?.end.resolve();
    await settled();
    const codes: string[] = [];
    const stop = runtime.onNotice((notice) => codes.push(notice.code));
    const answer = runtime.ask({ verb: "mode", mode: "act" });
    await settled();
    writes[1]?.end.resolve();
    expect((await answer).status).toBe(200);
    expect(codes).toEqual(["mode"]);
    expect(runtime.snapshot().mode).toBe("act");
    stop();
  });

  it("tells the others that it leaves before it stops", async () => {
    const { runtime, writes, did } = rig();
    await runtime.start();
    writes[0]?.end.resolve();
    await settled();
    await runtime.stop();
    expect(did.at(-1)).toBe("broadcast");
    runtime.stop();
  });
});
