import { describe, expect, it } from "vitest";
import type { Effect } from "#lib/core/effects.ts";
import type { Event } from "#lib/core/events.ts";
import type { NodeOptions } from "#lib/core/node-options.ts";
import type { HostOp } from "#lib/model/host-op.ts";
import { HostTroubles } from "#lib/simulation/faults/host-trouble.ts";
import { TroubledNode } from "#lib/simulation/faults/troubled-node.ts";
import { simVmSpec } from "#lib/simulation/sim-cluster.ts";

const moveId = "web.2.0123456789abcdef";
const timeout: Event = { type: "timeout" };
const run = (op: HostOp, opId = 1): Effect => ({ type: "run", opId, op });
const takeBack = run({ op: "takeBack", moveId, vm: "web" });
const discard = run({ op: "discard", moveId, vm: "web" }, 2);
const suspend = run({ op: "suspend", spec: simVmSpec("web") });
const persist: Effect = { type: "persist", entries: [{ key: "k", value: "1" }] };

/** A core that answers each event with the next of `answers`, and remembers what it heard. */
function troubled(...answers: (readonly Effect[])[]) {
  const heard: Event[] = [];
  const node = {
    nextTimeoutMs: 60_000,
    snapshot: () => ({}) as never,
    step: (event: Event) => {
      heard.push(event);
      return answers.shift() ?? [];
    },
  };
  const ended: string[] = [];
  const troubles = new HostTroubles();
  troubles.report({ ended: (host) => ended.push(host), changed: () => {} });
  const options = { self: "a", seed: "1" } as NodeOptions;
  return { node: new TroubledNode(node, options, troubles), troubles, heard, ended };
}

const asked: Event = { type: "leaveAsked", forGood: false };

describe("TroubledNode", () => {
  it("passes everything on where there is no trouble", () => {
    const { node, heard } = troubled([persist, takeBack]);
    expect(node.step(asked, 0)).toEqual([persist, takeBack]);
    expect(heard).toEqual([asked]);
    expect(node.nextTimeoutMs).toBe(60_000);
  });

  it("holds the orders to a hung hypervisor, and no others, until it answers again", () => {
    const { node, troubles } = troubled([takeBack, discard]);
    troubles.set("a", { hung: true });
    expect(node.step(asked, 0)).toEqual([discard]);
    troubles.set("a", { hung: false });
    expect(node.step(asked, 5_000)).toEqual([takeBack]);
  });

  it("tells the core when its driver has given up; late or never, the order is carried out", () => {
    let late = 0;
    for (let seed = 0; seed < 20; seed += 1) {
      const { node, troubles, heard } = troubled([takeBack]);
      for (let draws = 0; draws < seed; draws += 1) node.snapshot(0);
      troubles.set("a", { hung: true });
      node.step(asked, 0);
      expect(node.nextTimeoutMs).toBe(10_000);
      node.step(timeout, 10_000);
      expect(heard.at(-1)).toMatchObject({
        type: "opEnded",
        opId: 1,
        result: { code: "TIMED_OUT" },
      });
      troubles.set("a", { hung: false });
      const [order] = node.step(asked, 20_000);
      if (order?.type !== "run") continue;
      late += 1;
      expect(order.op).toEqual({ op: "takeBack", moveId, vm: "web" });
      expect(order.opId).not.toBe(1);
    }
    expect([0, 20]).toContain(late);
  });

  it("ends at the first write to a full disk: what comes before it happens, nothing after", () => {
    const { node, troubles, ended } = troubled([discard, persist, takeBack], [takeBack]);
    troubles.set("a", { journalFull: true });
    expect(node.step(asked, 0)).toEqual([discard]);
    expect(ended).toEqual(["a"]);
    expect(node.step(asked, 1)).toEqual([]);
    expect(node.nextTimeoutMs).toBeUndefined();
  });

  it("refuses to suspend without room for the image", () => {
    const { node, troubles, heard } = troubled([suspend]);
    troubles.set("a", { imagesFull: true });
    expect(node.step(asked, 0)).toEqual([]);
    expect(heard.at(-1)).toMatchObject({ opId: 1, result: { code: "COMMAND_FAILED" } });
  });
});
