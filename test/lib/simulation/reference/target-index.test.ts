import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Standing } from "#lib/simulation/reference/standing.ts";
import { TargetIndex } from "#lib/simulation/reference/target-index.ts";
import { anyCluster } from "../../../support/cluster-arbitraries.ts";
import { modelHost, modelVm } from "../../../support/cluster-models.ts";

describe("TargetIndex", () => {
  it("finds the least rise among hosts with room, as a look at each of them does", () => {
    fc.assert(
      fc.property(
        anyCluster({ hostsMax: 12, vmsMax: 30 }),
        fc.array(fc.nat({ max: 11 }), { maxLength: 8 }),
        (cluster, removed) => {
          const standing = new Standing(cluster, 1);
          const index = new TargetIndex(standing, [...cluster.hosts.keys()]);
          const left = new Set(cluster.hosts.keys());
          for (const host of [-1, ...removed]) {
            left.delete(host);
            index.remove(host);
            for (const vm of cluster.vms.keys()) {
              const fitting = [...left].filter((target) => standing.fits(vm, target));
              const rises = fitting.map((target) => standing.riseOf(vm, target));
              const best = index.best(vm);
              expect(best?.rise ?? Infinity).toBeCloseTo(Math.min(Infinity, ...rises), 9);
              expect(best === undefined || fitting.includes(best.host)).toBe(true);
            }
          }
        },
      ),
    );
  });

  it("considers only the hosts that it was given", () => {
    const hosts = [modelHost("a"), modelHost("b"), modelHost("c")];
    const standing = new Standing({ hosts, vms: [modelVm("web", "a")] }, 1);
    expect(new TargetIndex(standing, [2]).best(0)?.host).toBe(2);
    expect(new TargetIndex(standing, []).best(0)).toBeUndefined();
  });
});
