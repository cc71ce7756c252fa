import { describe, expect, it } from "vitest";
import { mustDo } from "#lib/simulation/sim-cluster.ts";
import type { Message } from "#lib/wire/messages.ts";
import { hostCount, runningHosts, settled } from "../../support/service-world.ts";

/** Messages of stewards and of those whom they ask, as they leave. */
function overheard(world: ReturnType<typeof settled>["world"]) {
  const said: Message[] = [];
  world.onFact((fact) => {
    if (fact.type === "sent" && /^scale/.test(fact.message.type)) said.push(fact.message);
  });
  return said;
}

describe("stewards", () => {
  it("ask one host at a time by proposal, and are granted or told why not", () => {
    const { world, crowd } = settled(1);
    const said = overheard(world);
    crowd.cpuCores = 1.5;
    expect(world.runUntil(() => runningHosts(world).length === hostCount, 8_000)).toBe(true);
    const asked = said.filter(({ type }) => type === "scale");
    expect(asked.length).toBeGreaterThan(0);
    expect(said).toContainEqual({ type: "scaleAnswer", service: "web", refusal: null });
  });

  it("are refused by a host that they do not lead, and on hold", () => {
    const { world, first } = settled(1);
    const said = overheard(world);
    const [, second = "", third = ""] = world.hosts;
    const { version } = world.snapshotOf(first)?.services[0] ?? { version: 0 };
    const message = {
      ...{ type: "scale" as const, service: "web", change: "run" as const, host: third },
      ...{ steward: second, document: { version, hash: "0".repeat(8) }, changing: [third] },
      ...{ runningDigest: "0".repeat(8), replaces: null },
    };
    const answers = () =>
      said.flatMap((one) => (one.type === "scaleAnswer" ? [String(one.refusal)] : []));
    const send = (from: string) =>
      world.agent(third)?.deliver({ type: "messageReceived", from, via: "stream", message });
    send(second);
    send(first);
    mustDo(world, third, { verb: "mode", mode: "hold" });
    send(second);
    world.runFor(1_000);
    expect(answers()).toEqual([
      expect.stringMatching(/version/),
      "was asked for another host",
      expect.stringMatching(/^does not act: the cluster is on hold/),
    ]);
  });

  it("pass on what they are asked for another, and its answer, once", () => {
    const { world, first } = settled(1);
    const said = overheard(world);
    const [, second = "", third = ""] = world.hosts;
    const message = {
      ...{ type: "scale" as const, service: "web", change: "run" as const, host: third },
      ...{ steward: first, document: { version: 0, hash: "0".repeat(8) }, changing: [third] },
      ...{ runningDigest: "0".repeat(8), replaces: null, relay: second },
    };
    world.agent(second)?.deliver({ type: "messageReceived", from: first, via: "stream", message });
    world.runFor(1_000);
    const answer = {
      type: "scaleAnswer",
      service: "web",
      refusal: expect.stringMatching(/version/),
    };
    const relayed = { host: third, steward: first };
    expect(said).toEqual([
      message,
      { ...answer, soon: true, relayed },
      { ...answer, soon: true, relayed },
    ]);
  });

  it("pass on nothing that its steward has not asked them, and no answer but the host's own", () => {
    const { world, first } = settled(1);
    const said = overheard(world);
    const [, second = "", third = ""] = world.hosts;
    const scale = {
      ...{ type: "scale" as const, service: "web", change: "run" as const, host: third },
      ...{ steward: third, document: { version: 0, hash: "0".repeat(8) }, changing: [third] },
      ...{ runningDigest: "0".repeat(8), replaces: null, relay: second },
    };
    const relayed = { host: third, steward: third };
    const answer = { type: "scaleAnswer" as const, service: "web", refusal: null, relayed };
    for (const message of [scale, answer]) {
      world
        .agent(second)
        ?.deliver({ type: "messageReceived", from: first, via: "stream", message });
    }
    world.runFor(1_000);
    expect(said).toEqual([
      { type: "scaleAnswer", service: "web", refusal: "was asked for another host" },
    ]);
  });
});
