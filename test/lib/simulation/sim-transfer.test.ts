import { describe, expect, it } from "vitest";
import { SimChannels } from "#lib/simulation/sim-channels.ts";
import { simVmSpec } from "#lib/simulation/sim-cluster.ts";
import { SimHost } from "#lib/simulation/sim-host.ts";
import type { SimHostError } from "#lib/simulation/sim-host-error.ts";
import { SimLinks } from "#lib/simulation/sim-links.ts";
import { SimTransfer } from "#lib/simulation/sim-transfer.ts";
import { VirtualClock } from "#lib/simulation/virtual-clock.ts";

const moveId = "web.2.0123456789abcdef";
const mebibyte = 2 ** 20;

/** Two hosts, a running guest at `a`, a copy that waits at `b`, and the channel between them. */
function rig(dirtyBytesPerSecond = 0) {
  const clock = new VirtualClock();
  const links = new SimLinks();
  const channels: SimChannels = new SimChannels({
    clock,
    links,
    hostOf: (id) => (id === "a" ? hosts.a : hosts.b),
  });
  const gone = (id: string) =>
    new SimHost(({ vm, after }) => {
      if (after === null) channels.copyGone(vm, id);
    });
  const hosts: { readonly a: SimHost; readonly b: SimHost } = { a: gone("a"), b: gone("b") };
  hosts.a.start(simVmSpec("web"), 0);
  hosts.b.prepareIncoming(moveId, simVmSpec("web"));
  channels.listen(moveId, "web", "b");
  const ends: (string | null)[] = [];
  const stream = () =>
    channels.stream({
      moveId,
      vm: "web",
      source: "a",
      bytes: 100 * mebibyte,
      bandwidthBytesPerSecond: 100 * mebibyte,
      dirtyBytesPerSecond,
      ended: (error: SimHostError | null) => ends.push(error?.code ?? null),
    });
  const run = (untilMs: number) => {
    while (clock.runNext(untilMs));
  };
  const states = () => [hosts.a.copy("web")?.state, hosts.b.copy("web")?.state];
  return { clock, links, channels, hosts, ends, stream, run, states };
}

describe("SimTransfer", () => {
  it("takes what memory and bandwidth say, with the guest halted only at its end", () => {
    const { channels, stream, run, states, ends, hosts } = rig();
    channels.connect(moveId, "a");
    const transfer = stream();
    expect(transfer).toBeInstanceOf(SimTransfer);
    run(500);
    expect(transfer.progress().transferredBytes).toBe(50 * mebibyte);
    run(999);
    expect(hosts.a.copy("web")?.sinceMs).not.toBeNull();
    run(1_010);
    expect([hosts.a.copy("web")?.sinceMs, transfer.haltedForMs]).toEqual([null, 10]);
    run(1_030);
    expect([states(), ends]).toEqual([["sent", "received"], [null]]);
  });

  it("takes longer when the guest dirties its memory", () => {
    const { channels, stream, run, states } = rig(50 * mebibyte);
    channels.connect(moveId, "a");
    stream();
    run(1_900);
    expect(states()).toEqual(["sending", "receiving"]);
    run(2_100);
    expect(states()).toEqual(["sent", "received"]);
  });

  it("stalls with the link and goes on with it; after a long stall both ends give up", () => {
    const { channels, stream, run, states, ends, links } = rig();
    channels.connect(moveId, "a");
    stream();
    run(500);
    links.cutOneWay("b", "a");
    run(5_000);
    expect(states()).toEqual(["sending", "receiving"]);
    links.healAll();
    run(5_400);
    links.cut("a", "b");
    run(60_000);
    expect([states(), ends]).toEqual([["running", undefined], ["MIGRATION_FAILED"]]);
  });
});

describe("SimChannels", () => {
  it("let nobody stream who is not connected, nor connect where nobody listens", () => {
    const { channels, stream } = rig();
    expect(stream).toThrow(/channel of web is gone/);
    expect(channels.connect("web.9.0123456789abcdef", "a")).toBe(false);
    expect([channels.connect(moveId, "a"), channels.connect(moveId, "a")]).toEqual([true, false]);
  });

  it.each(["a", "b"])("killed at %s, the source runs on and the target ends", (end) => {
    const { channels, stream, run, states, ends } = rig();
    channels.connect(moveId, "a");
    stream();
    run(500);
    channels.closeAll(end);
    run(600);
    expect([states(), ends]).toEqual([["running", undefined], ["MIGRATION_FAILED"]]);
    expect(channels.ofHost("a")).toEqual([]);
  });

  it("killed after the target has all of it, but not before the source knows, leave both whole", () => {
    const { channels, stream, run, states, ends } = rig();
    channels.connect(moveId, "a");
    stream();
    run(1_020.2);
    expect(states()).toEqual(["sending", "received"]);
    channels.close(moveId, "a");
    run(1_100);
    expect([states(), ends]).toEqual([["running", "received"], ["MIGRATION_FAILED"]]);
  });

  it("killed across a cut link, each end learns of it in its own time", () => {
    const { channels, stream, run, states, links } = rig();
    channels.connect(moveId, "a");
    stream();
    run(500);
    links.cut("a", "b");
    channels.close(moveId, "b");
    run(5_000);
    expect(states()).toEqual(["sending", undefined]);
    links.healAll();
    run(5_100);
    expect(states()).toEqual(["running", undefined]);
  });

  it("a guest killed at one end ends the stream at the other", () => {
    const { channels, stream, run, states, hosts, ends } = rig();
    channels.connect(moveId, "a");
    stream();
    run(500);
    hosts.a.kill("web");
    run(600);
    expect([states(), ends]).toEqual([[undefined, undefined], ["MIGRATION_FAILED"]]);
  });
});
