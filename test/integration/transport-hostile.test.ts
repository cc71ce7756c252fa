/**
 * A member that sends rubbish, by every way in: it holds the cluster key, so it gets past the
 * handshake. What it sends is dropped and counted, memory stays bounded, and talk goes on.
 */
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { createConnection } from "node:net";
import type { Stream } from "@libp2p/interface";
import { multiaddr } from "@multiformats/multiaddr";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { frameOf } from "#agent/transport/frames.ts";
import { createNode, type EvenkeelNode } from "#agent/transport/libp2p-node.ts";
import { pack } from "#agent/transport/msgpack.ts";
import { ProbePackets } from "#agent/transport/probe-packets.ts";
import { deltaOf } from "#lib/core/gossip-messages.ts";
import { wireLimits } from "#lib/wire/limits.ts";
import { eventually } from "../support/eventually.ts";
import { keysOf, summaryRecord } from "../support/transport-fixture.ts";
import { derived, TransportPeer } from "../support/transport-peer.ts";

const MIB = 2 ** 20;
/** What 40 MiB of rubbish may leave behind, garbage not yet collected included. */
const GROWTH_BYTES_MAX = 200 * MIB;
const TOPIC = "evenkeel/1";
const hostileKeys = keysOf(9);

let victim: TransportPeer;
let friend: TransportPeer;
let hostile: EvenkeelNode;

beforeEach(async () => {
  victim = await new TransportPeer({ number: 1, clusterKey: "K" }).start();
  const peers = [`127.0.0.1:${victim.port}`];
  friend = await new TransportPeer({ number: 2, clusterKey: "K", peers }).start();
  hostile = await createNode({
    privateKey: hostileKeys.privateKey,
    pnetKey: derived("pnet K"),
    listenAddress: "127.0.0.1",
    port: 0,
    topic: TOPIC,
    gater: {},
  });
  await hostile.start();
  await eventually("joined", async () => victim.isConnectedTo(friend));
  victim.knows(friend);
  friend.knows(victim);
});

afterEach(async () => {
  await hostile.stop();
  await Promise.all([victim, friend].map((peer) => peer.transport.stop()));
});

/** Both ways of talking between victim and friend still work. */
async function expectAlive(nonce: number): Promise<void> {
  const message = { type: "probe", nonce, incarnation: 1, suspected: false } as const;
  friend.transport.send(victim.host, message);
  friend.transport.datagram(victim.host, message);
  await eventually("a message and a packet", async () =>
    ["stream", "datagram"].every((via) => victim.has(via, message)),
  );
  expect(victim.received.every(({ from }) => from === friend.host)).toBe(true);
}

async function openStream(): Promise<Stream> {
  const address = multiaddr(`/ip4/127.0.0.1/tcp/${victim.port}/p2p/${victim.host}`);
  const connection = await hostile.dial(address);
  return await connection.newStream("/evenkeel/1");
}

/** Sends until the victim cuts the stream; false once it has. */
function push(stream: Stream, bytes: Uint8Array): boolean {
  try {
    stream.send(bytes);
    return true;
  } catch {
    return false;
  }
}

describe("bad input to the stream protocol", () => {
  it("is dropped and counted, and a flood of it ends the connection", async () => {
    const stream = await openStream();
    for (let i = 0; i < 17; i++) push(stream, frameOf(randomBytes(100 + i)));
    await eventually("cut", async () => victim.dropped("flood") === 1);
    expect(victim.dropped("malformed")).toBe(17);
    await eventually("gone", async () => hostile.getConnections().length === 0);
    expect(victim.log.messages.filter((line) => line.includes("(malformed)"))).toHaveLength(1);
    await expectAlive(1);
  });

  it("of an oversized length ends the connection before anything is kept of it", async () => {
    const header = new Uint8Array(4);
    new DataView(header.buffer).setUint32(0, wireLimits.frameBytesMax + 1);
    push(await openStream(), header);
    await eventually("cut", async () => victim.dropped("oversized") === 1);
    await expectAlive(2);
  });

  it("that never ends a frame takes one frame of memory at most", async () => {
    const before = process.memoryUsage().rss;
    for (let round = 0; round < 5; round++) {
      const stream = await openStream();
      const header = new Uint8Array(4);
      new DataView(header.buffer).setUint32(0, wireLimits.frameBytesMax);
      push(stream, header);
      for (let i = 0; i < 128 && push(stream, randomBytes(65_536)); i++) {
        await stream.onDrain().catch(() => undefined);
      }
      stream.abort(new Error("the test goes on"));
      await Promise.all(hostile.getConnections().map((connection) => connection.close()));
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(GROWTH_BYTES_MAX);
    await expectAlive(3);
  });

  it("with records of others, altered or unsigned, brings no record in", async () => {
    const stolen = pack(["summary", 1, 99, summaryRecord(friend.host, 99).body]);
    const signature = hostileKeys.sign(stolen);
    const envelopes = [[friend.host, stolen, signature], [victim.host, stolen, signature], "junk"];
    push(await openStream(), frameOf(pack({ ...deltaOf(), records: envelopes })));
    await eventually("dropped", async () => victim.dropped("signature") === 2);
    expect(victim.dropped("malformed")).toBe(1);
    const deltas = victim.received.filter(({ message }) => message.type === "delta");
    expect(deltas.map(({ message }) => message)).toEqual([deltaOf()]);
  });

  it("from another program that speaks none of it ends at the handshake", async () => {
    const socket = createConnection(victim.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(randomBytes(100_000));
    await eventually("refused", async () => victim.dropped("handshake") === 1);
    socket.destroy();
    await expectAlive(4);
  });
});

describe("bad input to the news topic", () => {
  it("is dropped and counted, and not passed on", async () => {
    const news = hostile.services.news;
    news.subscribe(TOPIC);
    await hostile.dial(multiaddr(`/ip4/127.0.0.1/tcp/${victim.port}/p2p/${victim.host}`));
    await eventually("subscribed", async () => news.getSubscribers(TOPIC).length > 0);
    await news.publish(TOPIC, randomBytes(500));
    await news.publish(TOPIC, new Uint8Array(0));
    await news.publish(TOPIC, pack({ type: "ack", nonce: 1, incarnation: 1 }));
    await eventually("dropped", async () => victim.dropped("malformed") === 3);
    await news.publish(TOPIC, randomBytes(wireLimits.newsBytesMax + 100));
    await eventually("dropped", async () => victim.dropped("oversized") === 1);
    // Far over the limit: gossipsub itself does not read it.
    await news.publish(TOPIC, randomBytes(2 * MIB)).catch(() => undefined);
    await expectAlive(5);
    expect(friend.dropped("malformed") + friend.dropped("oversized")).toBe(0);
  });
});

describe("bad input to the UDP port", () => {
  it("is dropped and counted by reason", async () => {
    const socket = createSocket("udp4");
    const send = (packet: Uint8Array): void => {
      socket.send(packet, victim.probePort, "127.0.0.1");
    };
    const probe = { type: "probe", nonce: 77, incarnation: 1, suspected: false } as const;
    const foreign = new ProbePackets({ self: hostileKeys.host, key: randomBytes(32), salt: 1 });
    const genuine = new ProbePackets({ self: hostileKeys.host, key: derived("probe K"), salt: 1 });
    try {
      send(randomBytes(20));
      send(randomBytes(wireLimits.datagramBytesMax + 1));
      send(randomBytes(60_000));
      send(foreign.seal(victim.host, probe));
      send(genuine.seal(friend.host, probe));
      const twice = genuine.seal(victim.host, probe);
      for (let i = 0; i < 3; i++) send(twice);
      await eventually(
        "all seen",
        async () =>
          victim.dropped("truncated") === 1 &&
          victim.dropped("oversized") === 2 &&
          victim.dropped("hmac") === 2 &&
          victim.dropped("replay") === 2,
      );
      expect(victim.received.map(({ message }) => message)).toEqual([probe]);
      victim.received.length = 0;
      await expectAlive(6);
    } finally {
      socket.close();
    }
  });
});
