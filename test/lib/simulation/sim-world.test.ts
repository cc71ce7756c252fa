/** The world's promises to a core, seen with a core that only records what it is told. */
import { describe, expect, it } from "vitest";
import type { Effect } from "#lib/core/effects.ts";
import type { Event } from "#lib/core/events.ts";
import type { HostOp } from "#lib/model/host-op.ts";
import { HostOps } from "#lib/simulation/host-ops.ts";
import { SimAgent } from "#lib/simulation/sim-agent.ts";
import { simVmSpec, smallHost } from "#lib/simulation/sim-cluster.ts";
import { SimWorld } from "#lib/simulation/sim-world.ts";
import { ConstantWorkload } from "#lib/simulation/workload.ts";

const moveId = "web.2.0123456789abcdef";

/** Answers each `verbAsked` with the effects that the test put under its VM's name. */
class Recorder {
  readonly events: Event[] = [];
  nextTimeoutMs: number | undefined;
  readonly #answers: ReadonlyMap<string, readonly Effect[]>;

  constructor(answers: ReadonlyMap<string, readonly Effect[]>) {
    this.#answers = answers;
  }

  step(event: Event): readonly Effect[] {
    this.events.push(event);
    if (event.type !== "verbAsked" || event.verb.verb !== "start") return [];
    return this.#answers.get(event.verb.vm) ?? [];
  }

  snapshot(): never {
    throw new Error("a recorder has no snapshot");
  }
}

function worldWith(answers: Readonly<Record<string, readonly Effect[]>>) {
  const nodes: Recorder[] = [];
  const world = new SimWorld({
    seed: 1,
    hosts: [smallHost, smallHost],
    workload: new ConstantWorkload({ cpuCores: 0.1 }),
    makeNode: () => {
      const node = new Recorder(new Map(Object.entries(answers)));
      nodes.push(node);
      return node;
    },
  });
  world.startAll();
  world.runFor(500);
  const [a, b] = world.hosts as [string, string];
  const order = (name: string) => world.ask(a, { verb: "start", vm: name });
  return { world, nodes, a, b, order };
}

const persist: Effect = { type: "persist", entries: [{ key: "k", value: "1" }] };
const run = (op: HostOp, opId = 1): Effect => ({ type: "run", opId, op });
const start = run({ op: "start", spec: simVmSpec("web") });

function typesOf(node: Recorder | undefined): string[] {
  return (node?.events ?? []).map((event) => event.type);
}

describe("SimWorld", () => {
  it("starts each agent with its journal, then tells it of its peers and its load", () => {
    const { world, nodes } = worldWith({});
    world.runFor(2_000);
    const types = typesOf(nodes[0]);
    expect(types[0]).toBe("started");
    expect(types).toContain("peerConnected");
    expect(types).toContain("loadSampled");
  });

  it("makes durable what was persisted before it carries out what comes later", () => {
    const { world, a, order } = worldWith({ both: [persist, start] });
    const facts: string[] = [];
    world.onFact((fact) => {
      if (fact.type === "persisted" || fact.type === "copyChanged") facts.push(fact.type);
    });
    order("both");
    world.runFor(200);
    expect(facts).toEqual(["persisted", "copyChanged"]);
    expect(world.machine(a).journal.line("k")).toBe("1");
  });

  it("lets datagrams overtake a persist, and nothing else", () => {
    const ack = { type: "ack", nonce: 7, incarnation: 1 } as const;
    const close = { type: "close", moveId } as const;
    const { world, nodes, b, order } = worldWith({
      order: [
        persist,
        { type: "send", to: "SimHost11112", message: close },
        { type: "datagram", to: "SimHost11112", message: ack },
      ],
    });
    expect(b).toBe("SimHost11112");
    let durable = false;
    world.onFact((fact) => {
      if (fact.type === "persisted") durable = true;
      if (fact.type !== "stepped" || fact.event.type !== "messageReceived") return;
      if (fact.event.message.type === "close") expect(durable).toBe(true);
    });
    order("order");
    world.runFor(200);
    const messages = nodes[1]?.events.flatMap((event) =>
      event.type === "messageReceived" ? [event.message.type] : [],
    );
    expect([...(messages ?? [])].sort()).toEqual(["ack", "close"]);
  });

  it("tells the end of each order once, with its value or its error's code", () => {
    const stop = run({ op: "takeBack", moveId, vm: "web" }, 2);
    const { world, nodes, order } = worldWith({ orders: [start, stop] });
    order("orders");
    world.runFor(500);
    const ends = nodes[0]?.events.flatMap((event) =>
      event.type === "opEnded" ? [[event.opId, event.result.ok]] : [],
    );
    expect(ends?.sort()).toEqual([
      [1, true],
      [2, false],
    ]);
    expect(typesOf(nodes[0])).toContain("copiesListed");
  });

  it("a killed agent hears no more, and its next life reads what was durable", () => {
    const { world, nodes, a, order } = worldWith({ both: [persist, start] });
    order("both");
    world.runFor(200);
    world.killAgent(a);
    const heard = nodes[0]?.events.length;
    world.runFor(3_000);
    expect(nodes[0]?.events).toHaveLength(heard ?? -1);
    expect(world.agent(a)).toBeUndefined();
    world.startAgent(a);
    expect(nodes[2]?.events[0]).toMatchObject({
      type: "started",
      journal: [{ key: "k", value: "1" }],
      copies: [{ vm: "web", state: "running" }],
    });
  });

  it("a paused agent hears everything when it goes on, and can talk to nobody meanwhile", () => {
    const { world, nodes, a, b, order } = worldWith({ begin: [start] });
    world.pauseAgent(a);
    expect(world.canTalk(a, b)).toBe(false);
    const heard = nodes[0]?.events.length ?? 0;
    order("begin");
    world.runFor(10_000);
    expect(nodes[0]?.events).toHaveLength(heard);
    world.continueAgent(a);
    expect(typesOf(nodes[0]).slice(heard)).toContain("verbAsked");
    expect(world.agent(a)).toBeInstanceOf(SimAgent);
    world.runFor(200);
    expect(world.machine(a).host.copy("web")?.state).toBe("running");
  });

  it("wakes a node when it asked to be woken, by that host's own clock", () => {
    const { world, nodes, a } = worldWith({ wake: [] });
    const node = nodes[0] as Recorder;
    node.nextTimeoutMs = world.clock.nowMs + world.machine(a).clockOffsetMs + 5_000;
    world.ask(a, { verb: "undefine", vm: "web" });
    const before = typesOf(node).filter((type) => type === "timeout").length;
    world.runFor(4_990);
    expect(typesOf(node).filter((type) => type === "timeout")).toHaveLength(before);
    // A recorder never moves its deadline on: it would be woken for ever.
    expect(() => world.runFor(100)).toThrow(/spin/);
  });

  it("HostOps fails an awaited copy when it dies, and a connection where nobody listens", () => {
    const { world, nodes, a, order } = worldWith({
      prepare: [
        run({ op: "prepareIncoming", moveId, spec: simVmSpec("web"), source: "b" }),
        run({ op: "listenChannel", moveId, vm: "web" }, 2),
      ],
      wait: [run({ op: "awaitIncoming", moveId, vm: "web" }, 3)],
      connect: [
        run(
          {
            op: "connectChannel",
            moveId: "db.2.0123456789abcdef",
            vm: "db",
            target: "SimHost11112",
            addresses: [],
            port: 1,
          },
          4,
        ),
      ],
    });
    order("prepare");
    world.runFor(200);
    order("wait");
    order("connect");
    world.runFor(200);
    world.killGuest(a, "web");
    world.runFor(200);
    const failed = nodes[0]?.events.flatMap((event) =>
      event.type === "opEnded" && !event.result.ok ? [[event.opId, event.result.code]] : [],
    );
    expect(failed).toEqual([
      [4, "CHANNEL"],
      [3, "MIGRATION_FAILED"],
    ]);
    expect(HostOps).toBeInstanceOf(Function);
  });
});
