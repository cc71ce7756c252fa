/** Real transports on loopback: joining, staying joined, keeping strangers and rubbish out. */
import { afterEach, describe, expect, it } from "vitest";
import { deltaOf } from "#lib/core/gossip-messages.ts";
import type { Message } from "#lib/wire/messages.ts";
import { eventually } from "../support/eventually.ts";
import { summaryRecord } from "../support/transport-fixture.ts";
import { TransportPeer, type TransportPeerOptions } from "../support/transport-peer.ts";

const running: TransportPeer[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((peer) => peer.transport.stop()));
});

async function start(options: TransportPeerOptions): Promise<TransportPeer> {
  const peer = new TransportPeer(options);
  running.push(peer);
  return await peer.start();
}

/** Three hosts; the second and third were given the first one's address. */
async function startThree(): Promise<[TransportPeer, TransportPeer, TransportPeer]> {
  const first = await start({ number: 1, clusterKey: "K" });
  const peers = [`127.0.0.1:${first.port}`];
  const second = await start({ number: 2, clusterKey: "K", peers });
  const third = await start({ number: 3, clusterKey: "K", peers });
  return [first, second, third];
}

const digest: Message = { type: "digest", entries: [], documents: [], verdicts: [] };

describe("Libp2pTransport", () => {
  it("joins by an address list and carries messages, probes and news", async () => {
    const [first, second, third] = await startThree();
    await eventually("joined", async () => first.isConnectedTo(second, third));
    first.knows(second, third);
    second.knows(first, third);
    third.knows(first, second);
    await eventually("full mesh", async () => second.isConnectedTo(third));

    second.transport.send(third.host, digest);
    await eventually("a message", async () => third.has("stream", digest));

    const probe = { type: "probe", nonce: 5, incarnation: 1, suspected: false } as const;
    second.transport.datagram(first.host, probe);
    await eventually("a probe", async () => first.has("datagram", probe));

    const news = deltaOf({ records: [summaryRecord(third.host, 1)] });
    third.transport.broadcast(news);
    await eventually("news", async () => first.has("news", news) && second.has("news", news));
    expect(first.received.filter(({ via }) => via === "news")).toHaveLength(1);
    expect(first.received.find(({ via }) => via === "news")?.from).toBe(third.host);
  });

  it("passes a record on to a host that its author does not know", async () => {
    const [first, second, third] = await startThree();
    await eventually("joined", async () => first.isConnectedTo(second, third));
    const delta = deltaOf({ records: [summaryRecord(second.host, 7, "second")] });
    second.transport.send(first.host, delta);
    await eventually("the record", async () => first.has("stream", delta));
    const passed = first.received.find(({ message }) => message.type === "delta")?.message;
    if (passed) first.transport.send(third.host, passed);
    await eventually("the record, passed on", async () => third.has("stream", delta));
    expect(third.received.at(-1)?.from).toBe(first.host);
  });

  it("joins by a configured name", async () => {
    const first = await start({ number: 1, clusterKey: "K" });
    const peers = [`localhost:${first.port}`];
    const second = await start({ number: 2, clusterKey: "K", peers });
    await eventually("joined", async () => first.isConnectedTo(second));
  });

  it("connects for one message, which waits until then", async () => {
    const first = await start({ number: 1, clusterKey: "K" });
    const second = await start({ number: 2, clusterKey: "K" });
    first.knows(second);
    first.transport.send(second.host, digest);
    await eventually("the message", async () => second.has("stream", digest));
  });

  it("dials again when a peer was killed and came back, at another port", async () => {
    const [first, second, third] = await startThree();
    await eventually("joined", async () => first.isConnectedTo(second, third));
    await second.transport.stop();
    await eventually("gone", async () => !first.isConnectedTo(second));
    expect(first.events).toContain(`disconnected ${second.host}`);
    const again = await start({ number: 2, clusterKey: "K" });
    first.knows(again, third);
    await eventually("back", async () => first.isConnectedTo(again));
    first.transport.send(again.host, digest);
    await eventually("a message", async () => again.has("stream", digest));
  });

  it("delivers what was sent just before it stopped", async () => {
    const [first, second] = await startThree();
    const hello = deltaOf({ wantsDocuments: ["mode"] });
    await eventually("news can be heard", async () => {
      second.transport.broadcast(hello);
      return first.has("news", hello);
    });
    const news = deltaOf({ records: [summaryRecord(second.host, 9)] });
    second.transport.broadcast(news);
    second.transport.send(first.host, digest);
    await second.transport.stop();
    await eventually("the last message", async () => first.has("stream", digest));
    await eventually("the last news", async () => first.has("news", news));
    await eventually("gone", async () => !first.isConnectedTo(second));
  });

  it("keeps one link to a peer when both dial at once", async () => {
    const first = await start({ number: 1, clusterKey: "K" });
    const second = await start({ number: 2, clusterKey: "K", peers: [`127.0.0.1:${first.port}`] });
    first.knows(second);
    first.transport.send(second.host, digest);
    await eventually(
      "joined",
      async () => first.isConnectedTo(second) && second.isConnectedTo(first),
    );
    for (let nonce = 0; nonce < 20; nonce++) {
      first.transport.send(second.host, { type: "ack", nonce, incarnation: 1 });
      second.transport.send(first.host, { type: "ack", nonce, incarnation: 1 });
    }
    const acks = (peer: TransportPeer): number[] =>
      peer.received.flatMap(({ message }) => (message.type === "ack" ? [message.nonce] : []));
    await eventually(
      "all of them",
      async () => acks(first).length === 20 && acks(second).length === 20,
    );
    expect(acks(first)).toEqual([...acks(first)].sort((a, b) => a - b));
  });

  it("never connects hosts of different keys, or with none, and says why on both", async () => {
    const home = await start({ number: 1, clusterKey: "K" });
    const peers = [`127.0.0.1:${home.port}`];
    const stranger = await start({ number: 2, clusterKey: "other", peers });
    await eventually("two lines", async () => [home, stranger].every(saysWhy));
    const open = await start({ number: 3, clusterKey: null, peers });
    await eventually("a third line", async () => saysWhy(open));
    expect([home, stranger, open].flatMap((peer) => peer.events)).toEqual([]);
    expect(home.log.messages).toHaveLength(1);
    expect(home.dropped("handshake")).toBeGreaterThan(0);
  });

  it("joins in the open without a key", async () => {
    const first = await start({ number: 1, clusterKey: null });
    const second = await start({ number: 2, clusterKey: null, peers: [`127.0.0.1:${first.port}`] });
    await eventually("joined", async () => first.isConnectedTo(second));
    second.transport.send(first.host, digest);
    await eventually("a message", async () => first.has("stream", digest));
  });

  it("names the port that it cannot listen on", async () => {
    const first = await start({ number: 1, clusterKey: "K" });
    const second = new TransportPeer({ number: 2, clusterKey: "K", port: first.port });
    await expect(second.start()).rejects.toThrow(`TCP port ${first.port} on 127.0.0.1`);
    await second.transport.stop();
  });
});

function saysWhy(peer: TransportPeer): boolean {
  return peer.log.messages.some((line) => line.includes("evenkeel key fingerprint"));
}
