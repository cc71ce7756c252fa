import { beforeEach, describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { type NetworkOptions, quietNetwork } from "#lib/simulation/network-options.ts";
import { SimLinks } from "#lib/simulation/sim-links.ts";
import { SimNetwork } from "#lib/simulation/sim-network.ts";
import { SimStreams } from "#lib/simulation/sim-streams.ts";
import { VirtualClock } from "#lib/simulation/virtual-clock.ts";
import type { AckMessage, CloseMessage } from "#lib/wire/messages.ts";

let clock: VirtualClock;
let links: SimLinks;
let heard: string[];

function networkOf(options: Partial<NetworkOptions> = {}): SimNetwork {
  const network = new SimNetwork({
    clock,
    links,
    prng: new Prng(5),
    options: { ...quietNetwork, ...options },
  });
  for (const host of ["a", "b"]) join(network, host);
  return network;
}

function join(network: SimNetwork, host: string): void {
  network.join(host, {
    received: (from, via, message) => {
      const text = message.type === "ack" ? message.nonce : (message as CloseMessage).moveId;
      heard.push(`${host}<${from} ${via} ${text}`);
    },
    connected: (peer) => heard.push(`${host}+${peer}`),
    disconnected: (peer) => heard.push(`${host}-${peer}`),
  });
}

function run(ms: number): string[] {
  const untilMs = clock.nowMs + ms;
  while (clock.runNext(untilMs));
  return heard.splice(0);
}

const datagram = (nonce: number): AckMessage => ({ type: "ack", nonce, incarnation: 1 });
const order = (moveId: string): CloseMessage => ({ type: "close", moveId });

beforeEach(() => {
  clock = new VirtualClock();
  links = new SimLinks();
  heard = [];
});

describe("SimLinks", () => {
  it("cuts one way, both ways and by groups, and heals", () => {
    links.cutOneWay("a", "b");
    expect([links.passes("a", "b"), links.passes("b", "a")]).toEqual([false, true]);
    links.heal("a", "b");
    links.partition([["a"], ["b", "c"]]);
    expect([links.connects("a", "c"), links.connects("b", "c"), links.whole]).toEqual([
      false,
      true,
      false,
    ]);
    links.healAll();
    links.cut("b", "c");
    expect([links.passes("b", "c"), links.passes("c", "b"), links.whole]).toEqual([
      false,
      false,
      false,
    ]);
  });
});

describe("SimNetwork", () => {
  it("connects hosts that join, and tells both", () => {
    networkOf();
    expect(run(100).sort()).toEqual(["a+b", "b+a"]);
  });

  it("loses, doubles and reorders datagrams at about their shares", () => {
    const network = networkOf({
      datagramLossShare: 0.2,
      datagramTwiceShare: 0.1,
      datagramLateShare: 0.1,
      datagramLateMsMax: 500,
    });
    run(100);
    for (let nonce = 0; nonce < 1_000; nonce += 1) {
      clock.after(nonce, () => network.datagram("a", "b", datagram(nonce)));
    }
    const nonces = run(5_000).map((line) => Number(line.split(" ").at(-1)));
    const distinct = new Set(nonces).size;
    expect(distinct).toBeGreaterThan(750);
    expect(distinct).toBeLessThan(850);
    expect(nonces.length - distinct).toBeGreaterThan(50);
    expect(nonces).not.toEqual([...nonces].sort((x, y) => x - y));
  });

  it("keeps a stream's messages in order, and delivers them late after a short cut", () => {
    const network = networkOf({ delayMsMax: 40 });
    run(2_000);
    links.cut("a", "b");
    for (const id of ["1", "2", "3"]) network.send("a", "b", order(id));
    expect(run(5_000)).toEqual([]);
    links.heal("a", "b");
    expect(run(1_000)).toEqual(["b<a stream 1", "b<a stream 2", "b<a stream 3"]);
  });

  it("breaks a stream that stays cut: both ends hear, what was under way is lost", () => {
    const network = networkOf();
    run(100);
    links.cutOneWay("b", "a");
    network.send("b", "a", order("lost"));
    expect(run(15_000).sort()).toEqual(["a-b", "b-a"]);
    links.healAll();
    expect(run(3_000).sort()).toEqual(["a+b", "b+a"]);
  });

  it("drops what waits for a dead host too long, and delivers what can be had in time", () => {
    const network = networkOf();
    run(100);
    network.leave("b");
    expect(run(100)).toEqual(["a-b"]);
    network.send("a", "b", order("early"));
    run(10_000);
    network.send("a", "b", order("late"));
    run(1_000);
    join(network, "b");
    const heardNow = run(3_000);
    expect(heardNow.slice(0, 2).sort()).toEqual(["a+b", "b+a"]);
    expect(heardNow.slice(2)).toEqual(["b<a stream late"]);
  });

  it("opens no stream to a hung process, and keeps those that stand", () => {
    const network = networkOf();
    run(100);
    network.setResponsive("b", false);
    network.send("a", "b", order("kept"));
    expect(run(100)).toEqual(["b<a stream kept"]);
    join(network, "c");
    expect(run(3_000).sort()).toEqual(["a+c", "c+a"]);
    network.setResponsive("b", true);
    expect(run(3_000).sort()).toEqual(["b+c", "c+b"]);
  });

  it("broadcast() reaches everybody that can be reached but its sender", () => {
    const network = networkOf();
    join(network, "c");
    run(2_000);
    links.cut("a", "c");
    const news = { records: [], documents: [], verdicts: [], wants: [], wantsDocuments: [] };
    network.broadcast("a", { type: "delta", ...news });
    expect(run(1_000)).toEqual(["b<a news undefined"]);
  });
});

describe("SimStreams", () => {
  it("holds a bounded number of messages for a host that cannot be reached", () => {
    const received: string[] = [];
    const handler = {
      received: (_from: string, _via: string, message: { type: string }) =>
        received.push(message.type),
      connected: () => {},
      disconnected: () => {},
    };
    const handlers = new Map([["a", handler]]);
    const parts = { clock, links, prng: new Prng(1), options: quietNetwork };
    const streams = new SimStreams(parts, handlers);
    for (let index = 0; index < 100; index += 1) streams.send("a", "b", order(`${index}`));
    handlers.set("b", handler);
    streams.join("b");
    run(1_000);
    expect(received).toHaveLength(64);
  });
});

describe("SimNetwork of many hosts", () => {
  const count = 40;

  function manyHosts(): SimNetwork {
    const prng = new Prng(7);
    const options = { ...quietNetwork };
    const network = new SimNetwork({ clock, links, prng, options, hostCount: count });
    for (let index = 0; index < count; index += 1) join(network, `h${index}`);
    return network;
  }

  it("connects each host to about six others", () => {
    manyHosts();
    const connections = run(10_000).filter((line) => line.includes("+")).length / count;
    expect(connections).toBeGreaterThan(5);
    expect(connections).toBeLessThan(7);
  });

  it("dials anybody for a message, and closes that stream when nobody needs it any more", () => {
    const network = manyHosts();
    const connected = run(10_000);
    const peer = Array.from({ length: count - 1 }, (_, index) => `h${index + 1}`).find(
      (host) => !connected.includes(`h0+${host}`),
    ) as string;
    network.send("h0", peer, order("1"));
    expect(run(1_000)).toEqual([`h0+${peer}`, `${peer}+h0`, `${peer}<h0 stream 1`]);
    expect(run(100_000)).toEqual([]);
    expect(run(100_000)).toEqual([`h0-${peer}`, `${peer}-h0`]);
  });

  it("broadcast() reaches everybody once, at several moments", () => {
    const network = new SimNetwork({ clock, links, prng: new Prng(7), options: quietNetwork });
    for (let index = 0; index < 100; index += 1) {
      const received = () => heard.push(`h${index} ${clock.nowMs}`);
      network.join(`h${index}`, { received, connected: () => {}, disconnected: () => {} });
    }
    const news = { records: [], documents: [], verdicts: [], wants: [], wantsDocuments: [] };
    network.broadcast("h3", { type: "delta", ...news });
    const lines = run(1_000).map((line) => line.split(" "));
    expect(new Set(lines.map(([host]) => host)).size).toBe(99);
    expect(lines).toHaveLength(99);
    expect(new Set(lines.map(([, atMs]) => atMs)).size).toBe(16);
  });
});
