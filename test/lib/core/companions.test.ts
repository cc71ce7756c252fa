import { describe, expect, it } from "vitest";
import { Companions } from "#lib/core/companions.ts";
import type { HostFigures } from "#lib/planning/host-figures.ts";
import { spec } from "../../support/move-fixture.ts";
import { hostFigures, vmFigures } from "../../support/planning-figures.ts";

const policy = { affinityGroup: "web" };
const part = (vms: number) => ({ affinityGroups: [{ group: "web", vms, memoryBytes: vms }] });
const webSpec = { ...spec, policy: { ...spec.policy, affinityGroup: "web" } };

function complete(companions: Companions, others: readonly HostFigures[], nowMs = 0) {
  const vms = [
    vmFigures("web-1", { policy }),
    vmFigures("web-2", { policy }),
    vmFigures("db", { policy: { affinityGroup: "db" } }),
    vmFigures("free"),
  ];
  const own = hostFigures("self", { ...part(2), draining: true });
  return companions.complete(vms, { own: () => own, others: () => others }, nowMs);
}

describe("Companions", () => {
  it("names the companions on this host, and where the group gathers if elsewhere", () => {
    const [web, , db, free] = complete(new Companions(), [hostFigures("b", part(1))]);
    expect(web).toMatchObject({ companions: ["web-2"], gatherAt: { host: "b", name: "b" } });
    expect(db).toMatchObject({ companions: [], gatherAt: null });
    expect(free).not.toHaveProperty("gatherAt");
  });

  it("sends the next after the first, before the new host tells of it, for a while", () => {
    const companions = new Companions();
    const others = [hostFigures("b"), hostFigures("c")];
    expect(complete(companions, others)[0]?.gatherAt).toBeNull();
    companions.sent(webSpec, "c", 1_000);
    expect(complete(companions, others, 2_000)[0]?.gatherAt).toMatchObject({ host: "c" });
    expect(complete(companions, others, 60_000)[0]?.gatherAt).toBeNull();
  });

  it("does not follow to a host that is gone or drains itself", () => {
    const companions = new Companions();
    companions.sent(webSpec, "c", 0);
    expect(complete(companions, [hostFigures("b")])[0]?.gatherAt).toBeNull();
    const leaving = hostFigures("c", { draining: true });
    expect(complete(companions, [leaving])[0]?.gatherAt).toBeNull();
  });

  it("asks for no figures where no VM has a group", () => {
    const refuse = () => {
      throw new Error("asked");
    };
    const vms = [vmFigures("free")];
    const hosts = { own: refuse, others: refuse };
    expect(new Companions().complete(vms, hosts, 0)).toBe(vms);
  });
});
