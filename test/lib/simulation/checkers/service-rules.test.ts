import { describe, expect, it } from "vitest";
import type { CopyState } from "#lib/model/copy.ts";
import { ServiceBounds } from "#lib/simulation/checkers/service-bounds.ts";
import { ServiceRules } from "#lib/simulation/checkers/service-rules.ts";
import { ServiceSwitches } from "#lib/simulation/checkers/service-switches.ts";
import { simVmSpec } from "#lib/simulation/sim-cluster.ts";
import type { SimCopy } from "#lib/simulation/sim-copy.ts";
import { memberAt, serving, settledOn } from "../../../support/service-world.ts";

const vm = "web--ost11111";

function copyOf(state: CopyState, imageUsed = false): SimCopy {
  const spec = simVmSpec(vm);
  return { spec, state, moveId: null, boot: "1", ranMs: 0, sinceMs: null, imageUsed };
}

function change(host: string, before: SimCopy | null, after: SimCopy | null) {
  return { type: "copyChanged", host, change: { vm, before, after, cause: "order" } } as const;
}

describe("ServiceRules", () => {
  it("sees an image that is resumed twice", () => {
    const { world, first } = serving(1);
    const rules = new ServiceRules(world);
    const resumed = (used: boolean) =>
      rules.observe(change(first, copyOf("suspended", used), copyOf("running")));
    expect(resumed(false)).toBeUndefined();
    expect(resumed(true)).toMatch(/was resumed from an image that was used up/);
  });

  it("sees two members of a service on one host", () => {
    const { world, first } = serving(1);
    const { host } = world.machine(first);
    host.restore("web--zzzzzzzz", { ...copyOf("running"), spec: simVmSpec("web--zzzzzzzz") });
    const rules = new ServiceRules(world);
    expect(rules.observe(change(first, null, copyOf("running")))).toMatch(/has two members of/);
  });
});

describe("ServiceSwitches", () => {
  it("sees a member that is suspended while a switch serves by it, but after a fault", () => {
    const { world, first } = serving(1);
    const server = {
      member: vm,
      address: "10.0.0.1",
      port: 80,
      state: "ready",
      weight: 1,
      connectionsMax: null,
    } as const;
    world.switchOf(first)?.apply([{ backend: "web", servers: [server] }], 0);
    const rules = new ServiceSwitches(world);
    const suspends = change(first, copyOf("running"), copyOf("suspended"));
    expect(rules.observe(suspends, 20_000)).toMatch(/was suspended while the switch of/);
    rules.observe({ type: "linksChanged" }, 20_000);
    expect(rules.observe(suspends, 21_000)).toBeUndefined();
    rules.observe({ type: "faultStruck", kind: "guest killed" }, 40_000);
    expect(rules.observe(suspends, 41_000)).toMatch(/was suspended while the switch of/);
    rules.observe({ type: "faultStruck", kind: "clock jumped" }, 41_000);
    expect(rules.observe(suspends, 42_000)).toBeUndefined();
  });
});

describe("ServiceBounds", () => {
  it("sees too few members in the end", () => {
    const { world } = serving(1);
    const rules = new ServiceBounds(world);
    expect(world.runUntil(settledOn(world, 1), 60_000)).toBe(true);
    expect(rules.settled(world)).toBeUndefined();
    for (const at of world.hosts) {
      const copy = memberAt(world, at);
      const state = copy?.state === "running" ? "suspended" : copy?.state;
      if (copy && state) world.machine(at).host.restore(copy.spec.name, { ...copy, state });
    }
    expect(rules.settled(world)).toMatch(/0 members of web run, 1 to 3 should/);
  });
});
