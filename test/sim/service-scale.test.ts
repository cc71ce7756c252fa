/** Services where gossip brings each host a sample of the others alone. */
import { describe, expect, it } from "vitest";
import { Node } from "#lib/core/node.ts";
import type { HostId } from "#lib/model/ids.ts";
import { memberNameOf, readMemberName } from "#lib/services/member-name.ts";
import { CheckedWorld } from "#lib/simulation/checked-world.ts";
import { mustDo, smallHost } from "#lib/simulation/sim-cluster.ts";
import { ConstantWorkload } from "#lib/simulation/workload.ts";
import { serviceSpecOf } from "../support/declared-service.ts";

const hostCount = 270;
const staged = 4;
/** Virtual time is free, but a starved machine is slow. */
const timeout = 240_000;

/** A service at ports of its own, whose members are found by their hosts' names. */
function webSpec() {
  const { template } = serviceSpecOf("web");
  return serviceSpecOf("web", {
    hosts: {},
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder of service files.
    endpoint: { address: "10.9.${host}", port: "8080" },
    template: {
      ...template,
      kernel: template.kernel && { ...template.kernel, cmdline: "quiet" },
      network: { kind: "user", guestPort: 80, hostPort: "8080" },
    },
    stagedMax: staged,
    running: { min: 1, max: staged },
    drainMs: 5_000,
    settleMs: 10_000,
  });
}

function largeWorld() {
  const demand = { cpuCores: 0.3 };
  const states = new Map<HostId, string>();
  const hostsWith = (state: string) =>
    [...states].flatMap(([host, at]) => (at === state ? [host] : []));
  const world = new CheckedWorld({
    seed: 1,
    scenario: "service-scale",
    makeNode: (options) => new Node(options),
    hosts: Array.from({ length: hostCount }, (_, at) => ({
      ...smallHost,
      name: `${Math.floor(at / 250)}.${at % 250}`,
    })),
    workload: {
      stepMs: 0,
      loadOf: (spec) => {
        const share = demand.cpuCores / Math.max(1, hostsWith("running").length);
        const base = new ConstantWorkload({ cpuCores: 0.1 }).loadOf(spec);
        return { ...base, cpuCores: Math.min(1, share) };
      },
    },
    hostingOf: (at) => ({ overlayFolder: "/srv/m", diskBytesMax: 2 ** 33, hasSwitch: at < 2 }),
    sessionDemand: () => 3,
  });
  world.onFact(
    (fact) => {
      if (fact.type !== "copyChanged" || !readMemberName(fact.change.vm)) return;
      states.set(fact.host, fact.change.after?.state ?? "gone");
    },
    ["copyChanged"],
  );
  const readyAt = (at: HostId) =>
    world.hosts.filter((host) => world.switchOf(at)?.sends(memberNameOf("web", host) ?? ""));
  return { world, demand, hostsWith, readyAt };
}

describe("a service among more hosts than everybody knows", { timeout }, () => {
  it("is staged on as many as it says, follows its load, and survives its hosts", () => {
    const { world, demand, hostsWith, readyAt } = largeWorld();
    const [first = "", second = ""] = world.hosts;
    const running = () => hostsWith("running");
    const agreed = (count: number) =>
      running().length === count &&
      [first, second].every((at) => readyAt(at).join() === [...running()].sort().join());
    world.guarded(() => {
      world.presetMode("act");
      world.startAll();
      world.runFor(20_000);
      mustDo(world, first, { verb: "serviceApply", spec: webSpec() });
      const isStaged = () => agreed(1) && hostsWith("suspended").length === staged - 1;
      expect(world.runUntil(isStaged, 90_000)).toBe(true);
      demand.cpuCores = 1.5;
      expect(world.runUntil(() => agreed(3), 15_000)).toBe(true);
      const [lost = ""] = running().filter((host) => host !== first && host !== second);
      world.crashHost(lost);
      expect(world.runUntil(() => agreed(3), 10_000)).toBe(true);
      expect(running()).not.toContain(lost);
      demand.cpuCores = 0.3;
      expect(world.runUntil(() => agreed(1), 90_000)).toBe(true);
    });
  });
});
