import { createSocket, type Socket } from "node:dgram";
import { afterEach, describe, expect, it } from "vitest";
import { SystemClock } from "#agent/os/system-clock.ts";
import { ClockSkews } from "#agent/transport/clock-skews.ts";
import { Counters } from "#agent/transport/counters.ts";
import { HostKeys } from "#agent/transport/host-keys.ts";
import { ProbePackets } from "#agent/transport/probe-packets.ts";
import { Probes } from "#agent/transport/probes.ts";
import { MemoryLog } from "../support/memory-log.ts";

const probe = { type: "probe", nonce: 5, incarnation: 1, suspected: false } as const;
const peer = new HostKeys(new Uint8Array(32).fill(2)).host;
const open: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

describe("Probes.send()", () => {
  it("asks a host where it says that it listens, not where its connection came from", async () => {
    const listener = await listenOn("127.0.0.2");
    const probes = await startProbes(() => "127.0.0.1");
    probes.setPeers([known(["/ip4/127.0.0.2/tcp/7531"], listener)]);
    expect(await receivedAfter(listener, () => probes.send(peer, probe))).toBe(true);
  });

  it("takes the address of the connection where the host names several", async () => {
    const listener = await listenOn("127.0.0.3");
    const probes = await startProbes(() => "127.0.0.3");
    const addresses = ["/ip4/127.0.0.2/tcp/7531", "/ip4/127.0.0.3/tcp/7531"];
    probes.setPeers([known(addresses, listener)]);
    expect(await receivedAfter(listener, () => probes.send(peer, probe))).toBe(true);
  });
});

function known(addresses: readonly string[], listener: Socket) {
  return { host: peer, addresses, probePort: listener.address().port };
}

async function startProbes(linkAddressOf: () => string): Promise<Probes> {
  const self = new HostKeys(new Uint8Array(32).fill(1)).host;
  const probes = new Probes({
    packets: new ProbePackets({ self, key: new Uint8Array(32), salt: 1 }),
    counters: new Counters(new MemoryLog()),
    skews: new ClockSkews(new SystemClock()),
    address: "127.0.0.1",
    linkAddressOf,
    received: () => undefined,
    admits: () => true,
  });
  await probes.start([0]);
  open.push(() => probes.stop());
  return probes;
}

async function listenOn(address: string): Promise<Socket> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  open.push(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  return socket;
}

function receivedAfter(listener: Socket, act: () => void): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), 2_000);
    listener.once("message", () => {
      clearTimeout(timer);
      resolve(true);
    });
    act();
  });
}
