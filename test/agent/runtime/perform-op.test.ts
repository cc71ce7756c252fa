import { describe, expect, it } from "vitest";
import { HypervisorError } from "#agent/hypervisor/hypervisor-error.ts";
import type { Channel } from "#agent/ports/channel.ts";
import type { Hypervisor } from "#agent/ports/hypervisor.ts";
import { ipAddresses, OpPerformer } from "#agent/runtime/perform-op.ts";
import type { MoveOffer } from "#lib/model/host-op.ts";
import { stubHypervisor } from "../../support/stub-hypervisor.ts";

const moveId = "web.2.0123456789abcdef";
const limits = { bandwidthBytesPerSecond: 0, downtimeMs: 300, noProgressMs: 1000 };

function performer(calls: Partial<Hypervisor>, channelCalls: Partial<Channel> = {}) {
  const channel: Channel = {
    warm: () => undefined,
    listen: async () => ({ port: 7540 }),
    connect: async () => ({ socketPath: "/run/out.sock" }),
    close: async () => undefined,
    stop: async () => undefined,
    ...channelCalls,
  };
  return new OpPerformer({
    hypervisor: stubHypervisor(calls),
    channel,
    channelAddress: "10.1.0.1",
    members: null,
    progressed: () => undefined,
  });
}

describe("OpPerformer", () => {
  it("warns the channel of a move that may begin, at both ends", async () => {
    let warnings = 0;
    const admit = async () => ({ refusal: null });
    const ops = performer({ admit }, { warm: () => (warnings += 1) });
    const offer: MoveOffer = {
      ...{ spec: spec(), hypervisorVersion: "10.0.2", accelerator: "tcg", machineType: "pc" },
      storageNonce: null,
    };
    await ops.perform({ op: "offer", moveId, spec: spec() });
    await ops.perform({ op: "admit", moveId, offer });
    expect(warnings).toBe(2);
  });

  it("leads the channel to the socket that the prepared copy listens on", async () => {
    const listened: string[] = [];
    const ops = performer(
      { prepareIncoming: async () => ({ socketPath: "/run/web.sock" }) },
      {
        listen: async (_id, { socketPath }) => {
          listened.push(socketPath);
          return { port: 7541 };
        },
      },
    );
    await ops.perform({ op: "prepareIncoming", moveId, spec: spec(), source: "12D3KooWSource" });
    const result = await ops.perform({ op: "listenChannel", moveId, vm: "web" });
    expect(listened).toEqual(["/run/web.sock"]);
    expect(result).toEqual({ ok: true, value: { port: 7541, address: "10.1.0.1" } });
  });

  it("streams into the socket that the channel gave, to the addresses' IPs", async () => {
    const seen: unknown[] = [];
    const ops = performer(
      {
        migrateOut: async (order) => {
          seen.push(order.socketPath);
          return { end: "sent", transferredBytes: 1, pausedForMs: 0 };
        },
      },
      {
        connect: async (_id, { addresses }) => {
          seen.push(addresses);
          return { socketPath: "/run/out.sock" };
        },
      },
    );
    const addresses = ["/ip4/10.0.0.2/tcp/7531", "/ip4/10.0.0.2/tcp/1", "10.9.9.9"];
    const base = { moveId, vm: "web" };
    await ops.perform({ op: "connectChannel", ...base, target: "x", addresses, port: 7540 });
    await ops.perform({ op: "migrateOut", ...base, limits });
    expect(seen).toEqual([["10.0.0.2", "10.9.9.9"], "/run/out.sock"]);
  });

  it("makes a failure a result with the error's code and line", async () => {
    const failing = () =>
      Promise.reject(new HypervisorError("web: the disk is full", { code: "STORAGE" }));
    const ops = performer({ startVm: failing });
    expect(await ops.perform({ op: "start", spec: spec() })).toEqual({
      ok: false,
      code: "STORAGE",
      message: "web: the disk is full",
    });
  });

  it("refuses to stream before the channel stands", async () => {
    const result = await performer({}).perform({ op: "migrateOut", moveId, vm: "web", limits });
    expect(result).toMatchObject({ ok: false, code: "UNEXPECTED" });
  });

  it("ends what waits for a stream when the move's channel is closed", async () => {
    const ops = performer({
      awaitIncoming: (_id, _vm, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(new Error("the stream is closed")));
        }),
    });
    const waiting = ops.perform({ op: "awaitIncoming", moveId, vm: "web" });
    await ops.perform({ op: "closeChannel", moveId });
    expect(await waiting).toMatchObject({ ok: false, message: "the stream is closed" });
  });
});

describe("ipAddresses", () => {
  it("keeps plain addresses, takes those of multiaddrs, each once", () => {
    expect(ipAddresses(["/ip4/1.2.3.4/tcp/1", "1.2.3.4", "/ip6/fe80::1/tcp/2"])).toEqual([
      "1.2.3.4",
      "fe80::1",
    ]);
  });
});

function spec() {
  return {
    name: "web",
    vcpus: 1,
    memoryBytes: 1 << 26,
    machine: "microvm" as const,
    kernel: null,
    disks: [],
    network: { kind: "none" as const },
    policy: { pin: null, ignore: false, antiAffinityGroup: null, affinityGroup: null },
  };
}
