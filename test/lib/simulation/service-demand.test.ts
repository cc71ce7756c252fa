import { describe, expect, it } from "vitest";
import { memberNameOf } from "#lib/services/member-name.ts";
import { ServiceDemand } from "#lib/simulation/service-demand.ts";
import { simVmSpec } from "#lib/simulation/sim-cluster.ts";
import { ConstantWorkload } from "#lib/simulation/workload.ts";
import { settled } from "../../support/service-world.ts";

describe("ServiceDemand", () => {
  it("is shared by the members that run, and leaves other guests theirs", () => {
    const { world } = settled(1, { running: { min: 2, max: 2 } });
    const demand = new ServiceDemand(new ConstantWorkload({ cpuCores: 0.3 }));
    demand.set("web", { cpuCores: 0.8, sessions: 12 });
    const member = simVmSpec(memberNameOf("web", world.hosts[0] ?? "") ?? "");
    expect(demand.loadOf(member, 0).cpuCores).toBe(0.8);
    demand.world = world;
    expect(demand.loadOf(member, 0).cpuCores).toBe(0.4);
    expect(demand.loadOf(simVmSpec("vm-1"), 0).cpuCores).toBe(0.3);
    expect([demand.sessionsOf("web"), demand.sessionsOf("mail")]).toEqual([12, 0]);
  });
});
