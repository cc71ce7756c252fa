/**
 * Rubbish thrown at a live agent as a whole, by one that holds the cluster key and so gets past the
 * handshake: every protocol, the news, the UDP port, the sockets. What is dropped is counted, memory
 * stays bounded, the agent lives and stays level with its friend. The transport alone is tested in
 * transport-hostile.test.ts.
 */
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect, createConnection } from "node:net";
import type { Stream } from "@libp2p/interface";
import { peerIdFromString } from "@libp2p/peer-id";
import { multiaddr } from "@multiformats/multiaddr";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { deriveSecrets, readClusterKeyFile } from "#agent/store/cluster-key.ts";
import { frameOf } from "#agent/transport/frames.ts";
import { createNode, type EvenkeelNode } from "#agent/transport/libp2p-node.ts";
import { pack } from "#agent/transport/msgpack.ts";
import { ProbePackets } from "#agent/transport/probe-packets.ts";
import { wireLimits } from "#lib/wire/limits.ts";
import { AgentFleet } from "../support/agent-fleet.ts";
import type { AgentHost } from "../support/agent-host.ts";
import { eventually } from "../support/eventually.ts";
import { socketBytes, socketRequest } from "../support/socket-request.ts";
import { keysOf } from "../support/transport-fixture.ts";
import { message } from "../support/wire-arbitraries.ts";

const MIB = 2 ** 20;
/** What all of it together may leave behind, garbage not yet collected included. */
const GROWTH_BYTES_MAX = 200 * MIB;
const PORT = 7531;
const TOPIC = "evenkeel/1";
const hostileKeys = keysOf(9);

let fleet: AgentFleet;
let victim: AgentHost;
let victimId: string;
let pid: number;
let residentBefore: number;
let hostile: EvenkeelNode;

beforeAll(async () => {
  const settings = { hypervisor: { driver: "sim" } };
  fleet = new AgentFleet({ count: 2, network: "loopback", settings });
  await fleet.startAll();
  await fleet.joined();
  victim = fleet.host(1);
  pid = victim.pid;
  victimId = (await victim.api.status()).host;
  residentBefore = await victim.api.metric("evenkeel_resident_memory_bytes");
  hostile = await createNode({
    privateKey: hostileKeys.privateKey,
    pnetKey: deriveSecrets(readClusterKeyFile(fleet.keyFile)).pnetKey,
    listenAddress: "127.0.0.1",
    port: 0,
    topic: TOPIC,
    gater: {},
  });
  await hostile.start();
});

afterAll(async () => {
  await hostile?.stop();
  await fleet?.close();
});

/** After each blow: the same process, answering, level with its friend, and no fatter. */
afterEach(async () => {
  expect(victim.running && victim.pid).toBe(pid);
  await fleet.joined();
  const resident = await victim.api.metric("evenkeel_resident_memory_bytes");
  expect(resident - residentBefore).toBeLessThan(GROWTH_BYTES_MAX);
  expect(victim.logLines().filter(({ level }) => level === "error")).toEqual([]);
});

const dropped = (reason: string) =>
  victim.api.metric("evenkeel_dropped_total", `reason="${reason}"`);

async function dial(): Promise<void> {
  await hostile.dial(multiaddr(`/ip4/${fleet.addressOf(1)}/tcp/${PORT}/p2p/${victimId}`));
}

/** A stream over a connection that may just have been cut for what came before. */
async function openStream(protocol: string): Promise<Stream> {
  let stream: Stream | undefined;
  await eventually(`a stream of ${protocol}`, async () => {
    await dial();
    stream = await hostile.dialProtocol(peerIdFromString(victimId), protocol);
    return true;
  });
  if (!stream) throw new Error("no stream");
  return stream;
}

/** Sends all of `parts` over one new stream, as far as the victim takes them. */
async function send(protocol: string, parts: readonly Uint8Array[]): Promise<void> {
  const stream = await openStream(protocol);
  try {
    for (const part of parts) {
      if (!stream.send(part)) await stream.onDrain();
    }
    await stream.close();
  } catch {
    // Cut: that is one way of being refused.
    stream.abort(new Error("refused"));
  }
}

async function protocolsOfVictim(): Promise<readonly string[]> {
  await dial();
  const peer = () => hostile.peerStore.get(peerIdFromString(victimId));
  await eventually(
    "the victim told its protocols",
    async () => (await peer()).protocols.length > 0,
  );
  return (await peer()).protocols;
}

function oversizedFrame(): Uint8Array {
  const header = new Uint8Array(4);
  new DataView(header.buffer).setUint32(0, wireLimits.frameBytesMax + 1);
  return header;
}

describe("bad input to a live agent", () => {
  it("on every protocol that it speaks is dropped", async () => {
    const protocols = await protocolsOfVictim();
    console.log(`protocols: ${protocols.join(" ")}`);
    expect(protocols).toContain("/evenkeel/1");
    const genuine = frameOf(pack({ type: "ack", nonce: 1, incarnation: 1 }));
    for (const protocol of protocols) {
      await send(protocol, [randomBytes(2000)]);
      await send(protocol, [oversizedFrame(), randomBytes(100_000)]);
      await send(protocol, [genuine.subarray(0, genuine.length - 3)]);
      await send(protocol, Array<Uint8Array>(50).fill(genuine));
      await send(
        protocol,
        Array.from({ length: 64 }, () => randomBytes(65_536)),
      );
    }
    await eventually("counted", async () => (await dropped("oversized")) > 0);
  });

  it("of frames that hold no message is counted, and a flood of them cut", async () => {
    const before = await dropped("malformed");
    await send(
      "/evenkeel/1",
      Array.from({ length: 40 }, () => frameOf(randomBytes(200))),
    );
    await eventually("counted", async () => (await dropped("malformed")) > before);
    await eventually("cut", async () => (await dropped("flood")) > 0);
  });

  it("of messages well-formed but senseless leaves it whole", async () => {
    const samples = fc.sample(message, { seed: 4711, numRuns: 400 });
    // A verb of one that holds the key is carried out: it is no rubbish.
    const messages = samples.filter(({ type }) => type !== "verbRequest");
    const frames = messages.map((one) => frameOf(pack(one)));
    // A few to a stream: records unsigned and verdicts of nobody get a stream cut.
    for (let at = 0; at < frames.length; at += 10) {
      await send("/evenkeel/1", frames.slice(at, at + 10));
    }
    expect((await victim.api.vms()).length).toBe(0);
  });

  it("on the news topic is dropped and not passed on", async () => {
    await dial();
    const { news } = hostile.services;
    news.subscribe(TOPIC);
    await eventually("subscribed", async () => news.getSubscribers(TOPIC).length > 0);
    const before = await dropped("malformed");
    const passedOn = () => fleet.host(2).api.metric("evenkeel_dropped_total", "malformed");
    const passedBefore = await passedOn();
    for (const bytes of [500, 0, 2000]) await news.publish(TOPIC, randomBytes(bytes));
    await eventually("counted", async () => (await dropped("malformed")) >= before + 3);
    await news.publish(TOPIC, randomBytes(2 * MIB)).catch(() => undefined);
    expect(await passedOn()).toBe(passedBefore);
  });

  it("on the UDP port is dropped by reason: rubbish, truncated, foreign, replayed", async () => {
    const { probeKey } = deriveSecrets(readClusterKeyFile(fleet.keyFile));
    const socket = createSocket("udp4");
    const throwIt = (packet: Uint8Array): void => {
      socket.send(packet, PORT, fleet.addressOf(1));
    };
    const probe = { type: "probe", nonce: 77, incarnation: 1, suspected: false } as const;
    const foreign = new ProbePackets({ self: hostileKeys.host, key: randomBytes(32), salt: 1 });
    const genuine = new ProbePackets({ self: hostileKeys.host, key: probeKey, salt: 1 });
    try {
      const reasons = ["truncated", "oversized", "hmac", "replay"] as const;
      const before = await Promise.all(reasons.map(dropped));
      throwIt(randomBytes(10));
      throwIt(randomBytes(wireLimits.datagramBytesMax + 1));
      throwIt(foreign.seal(victimId, probe));
      throwIt(genuine.seal(victimId, probe).map((byte, i) => (i === 40 ? byte ^ 1 : byte)));
      const twice = genuine.seal(victimId, probe);
      for (let i = 0; i < 3; i++) throwIt(twice);
      await eventually("each is counted", async () => {
        const now = await Promise.all(reasons.map(dropped));
        return now.every((count, i) => count > (before[i] ?? 0));
      });
      for (let i = 0; i < 5_000; i++) throwIt(randomBytes(i % 600));
    } finally {
      socket.close();
    }
  });

  it("of a program that speaks none of it ends at the handshake", async () => {
    const before = await dropped("handshake");
    const sockets = Array.from({ length: 20 }, () => {
      const socket = createConnection(PORT, fleet.addressOf(1));
      socket.on("error", () => undefined);
      socket.write(randomBytes(100_000));
      return socket;
    });
    await eventually("refused", async () => (await dropped("handshake")) > before);
    for (const socket of sockets) socket.destroy();
  });

  it("on its sockets is answered 4xx or cut", async () => {
    for (const path of [victim.socketPath, victim.readSocketPath]) {
      const heard = await socketBytes(path, randomBytes(5_000));
      expect(heard).toMatch(/^HTTP\/1\.1 400 |^$/);
      const line = `GET /v1/status HTTP/1.1\r\nhost: localhost\r\nx: ${"x".repeat(100_000)}\r\n\r\n`;
      expect(await socketBytes(path, line)).toMatch(/^HTTP\/1\.1 431 |^$/);
      const cut = connect(path, () =>
        cut.end("POST /v1/vms HTTP/1.1\r\nhost: localhost\r\ncontent-len"),
      );
      cut.on("error", () => undefined);
      cut.resume();
      await new Promise((closed) => cut.once("close", closed));
    }
    const body = "x".repeat(10 * MIB);
    const large = await socketRequest(victim.socketPath, "/v1/vms", { body }).catch(() => null);
    expect(large?.status ?? 413).toBe(413);
    const notText = await socketRequest(victim.socketPath, "/v1/mode", { body: randomBytes(300) });
    expect(notText.status).toBe(400);
    const foreign = { headers: { host: "evil.example", origin: "http://evil.example" } };
    const browser = await socketRequest(victim.socketPath, "/v1/status", foreign);
    expect(browser.status).toBe(403);
    // The same order twice defines one VM.
    const spec = "name: once\nmemory: 96MiB\n";
    const first = await socketRequest(victim.socketPath, "/v1/vms", { body: spec });
    const second = await socketRequest(victim.socketPath, "/v1/vms", { body: spec });
    expect(first.status).toBeLessThan(300);
    expect(second.status).toBeLessThan(500);
    expect((await victim.api.vms()).map(({ name }) => name)).toEqual(["once"]);
    const idle = Array.from({ length: 100 }, () => connect(victim.socketPath));
    for (const socket of idle) socket.on("error", () => undefined);
    await new Promise((resolve) => setTimeout(resolve, 200));
    for (const socket of idle) socket.destroy();
  });
});
