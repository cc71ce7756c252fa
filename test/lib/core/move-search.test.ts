import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { MoveHistory } from "#lib/core/move-history.ts";
import { MoveSearch, type MoveSearchOptions } from "#lib/core/move-search.ts";
import { defaultCoreSettings } from "#lib/core/node-options.ts";
import type { VmEntry } from "#lib/model/vm.ts";
import { extremesOf } from "#lib/planning/extremes.ts";
import type { HostFigures } from "#lib/planning/host-figures.ts";
import type { HostWithVms } from "#lib/planning/joint-plan.ts";
import { defaultPlanningParams, type PlanningParams } from "#lib/planning/params.ts";
import { scaleOf, withVm } from "#lib/planning/potential.ts";
import type { VmFigures } from "#lib/planning/vm-figures.ts";
import { hostFigures, vmFigures } from "../../support/planning-figures.ts";

const planning: PlanningParams = {
  ...defaultPlanningParams,
  ...{ gainMin: 0.001, patienceStartShare: 0.6, patienceTransfers: 1, spreadShare: 0.1 },
};

/** A host that uses what its VMs do, and so many cores besides. */
function hostWith(name: string, vms: readonly VmFigures[], restCores: number): HostWithVms {
  let figures = hostFigures(name, { cpuCores: restCores });
  for (const vm of vms) figures = withVm(figures, vm, 1);
  return { figures, vms };
}

function vm(name: string, cpuCores: number): VmFigures {
  return vmFigures(name, { cpuCores, cpuNoiseShare: 0 });
}

interface Settings {
  readonly planning?: Partial<PlanningParams>;
  readonly movesMax?: number;
  readonly wanted?: readonly string[];
  /** Hosts whose VMs' loads are not known here. */
  readonly silent?: readonly string[];
  /** Hosts that were granted a VM of which no other host tells that it leaves. */
  readonly unsettled?: readonly string[];
  readonly seed?: number;
  /** How many of the others are hot. */
  readonly hot?: number;
  readonly isLarge?: boolean;
  /** Hosts that refused a moment ago. */
  readonly skipped?: readonly string[];
}

function searchOf(
  self: HostWithVms,
  others: readonly HostWithVms[],
  { movesMax, wanted = [], silent = [], unsettled = [], seed = 1, hot = 0, ...more }: Settings = {},
): MoveSearch {
  const told = (host: string) => {
    const vms = others.find(({ figures }) => figures.host === host)?.vms ?? [];
    const isSilent = silent.includes(host);
    const entries = vms.map(({ vm: name, load, ...rest }) => {
      const entry = { ...rest, name, state: "running", load: isSilent ? null : load, move: null };
      return entry as unknown as VmEntry;
    });
    return { record: { body: { vms: entries, outcomes: [] } } };
  };
  const summaryOf = (host: string) => {
    const told = others.find(({ figures }) => figures.host === host);
    const [cpuCores, vmCount] = [told?.figures.cpuCores ?? 0, told?.vms.length ?? 0];
    const measuredCpuCores = cpuCores - (unsettled.includes(host) ? 1 : 0);
    return { record: { body: { vmCount, projectedCpuCores: cpuCores, measuredCpuCores } } };
  };
  const figures = others.map((host): HostFigures => host.figures);
  const options = {
    self: { options: { settings: { ...defaultCoreSettings, movesMax } }, hostLoad: null },
    prng: new Prng(seed),
    history: new MoveHistory(),
    planning: { ...planning, ...more.planning },
    isSkipped: (host: string) => more.skipped?.includes(host) === true,
    cluster: {
      hot: { count: hot },
      membership: { aliveCount: others.length },
      view: {
        isLarge: more.isLarge === true,
        hosts: () => figures.map(({ host }) => host),
        inventoryOf: told,
        summaryOf,
      },
    },
    surroundings: {
      own: () => self.figures,
      ownVms: () => self.vms,
      ownNews: () => ({
        promisedCores: 0,
        vmCount: self.vms.length,
        vms: self.vms.map(({ vm: name }) => ({ name })),
      }),
      others: () => figures,
      measured: () => figures,
      extremes: () => extremesOf(figures),
      renew: () => {},
      scale: () => scaleOf([self.figures, ...figures]),
      wantedNames: () => wanted,
    },
  };
  return new MoveSearch(options as unknown as MoveSearchOptions);
}

const found = (search: MoveSearch, nowMs = 0) =>
  search.find("imbalance", nowMs).map((one) => `${one.vm} ${one.to}`);

/** Two hosts of 6.5 cores; the first one's VM fits the hole, the second one's is too wide for it. */
const fits = hostWith("node-a", [vm("a-1", 1.2)], 5.3);
const wide = hostWith("node-b", [vm("b-1", 2.8)], 3.7);
const hole = hostWith("node-c", [], 3.5);

describe("MoveSearch", () => {
  it("leaves a hole to the host whose VM fits it, as far as it knows the others' VMs", () => {
    const choosy = { planning: { gainMin: 0.008 } };
    expect(found(searchOf(fits, [wide, hole], choosy))).toEqual(["a-1 node-c"]);
    expect(found(searchOf(wide, [fits, hole], choosy))).toEqual([]);
    const silent = ["node-a"];
    const patient = { ...choosy, silent, planning: { gainMin: 0.008, patienceStartShare: 0 } };
    expect(found(searchOf(wide, [fits, hole], patient))).toEqual(["b-1 node-c"]);
  });

  it("offers for a planned move what is as good, and nothing worse", () => {
    const self = hostWith("node-a", [vm("a-1", 2)], 4);
    const equal = [hostWith("node-b", [], 2), hostWith("node-c", [], 2)];
    const worse = hostWith("node-d", [], 2.5);
    const all = found(searchOf(self, [...equal, worse]));
    expect(all.toSorted()).toEqual(["a-1 node-b", "a-1 node-c"]);
  });

  it("begins with moves near the best that may be had, and grows less choosy", () => {
    const self = hostWith("node-a", [vm("small", 0.3), vm("large", 3)], 1);
    const busy = { ...self, vms: [vm("small", 0.3), { ...vm("large", 3), immovable: "it moves" }] };
    const search = searchOf(busy, [hostWith("node-b", [], 0)]);
    const reachable = searchOf(self, [hostWith("node-b", [], 0)]);
    expect(found(reachable)).toEqual(["large node-b"]);
    expect(found(search)).toEqual([]);
    expect(search.expectsMore(0)).toBe(true);
    const seconds = Array.from({ length: 1_200 }, (_, at) => at + 1);
    const first = seconds.find((second) => found(search, second * 1000).length > 0) ?? 0;
    expect(first).toBeGreaterThan(10);
    expect(found(search, first * 1000)).toEqual(["small node-b"]);
    for (let second = first; second <= 1_200; second++) found(search, second * 1000);
    expect(search.expectsMore(1_200_000)).toBe(false);
  });

  it("waits for better moves for a tenth of the time where many hosts are hot", () => {
    const self = hostWith("node-a", [vm("small", 0.3), vm("large", 3)], 1);
    const busy = { ...self, vms: [vm("small", 0.3), { ...vm("large", 3), immovable: "it moves" }] };
    const cold = Array.from({ length: 20 }, (_, at) => hostWith(`node-${at}`, [], 0));
    const searchWith = (hot: number, isLarge = false) =>
      searchOf(busy, cold, { hot, isLarge, planning: { hasteTransfers: 0.1 } });
    const firstSecond = (hot: number, sampledTo: number) => {
      const search = searchWith(hot);
      for (let second = 1; second <= 1_200; second++) {
        if (second <= sampledTo) search.loadSampled(busy.figures, second * 1000);
        if (found(search, second * 1000).length > 0) return second;
      }
      return Number.POSITIVE_INFINITY;
    };
    const patient = firstSecond(0, 1);
    // One of 21 hosts is less than a twentieth of them.
    expect(firstSecond(1, 1_200)).toBe(patient);
    expect(firstSecond(2, 1)).toBeLessThan(patient / 5);
    expect(patient).toBeLessThan(1_200);
    const hasty = searchWith(2);
    hasty.loadSampled(busy.figures, 0);
    expect(hasty.expectsMore(59_000)).toBe(true);
    expect(hasty.expectsMore(60_000)).toBe(false);
    // Of a large cluster these are a sample: three of 21 may be chance, four are not.
    for (const [hot, isHasty] of [
      [3, false],
      [4, true],
    ] as const) {
      const sampled = searchWith(hot, true);
      sampled.loadSampled(busy.figures, 0);
      expect(sampled.expectsMore(0)).toBe(isHasty);
    }
  });

  it("says in haste when its patience will reach the best move, and finds it by then", () => {
    const self = hostWith("node-a", [vm("small", 2), vm("large", 3)], 1);
    const busy = { ...self, vms: [vm("small", 2), { ...vm("large", 3), immovable: "it moves" }] };
    const cold = Array.from({ length: 40 }, (_, at) => hostWith(`node-${at}`, [], 0));
    const searchWith = (settings: Settings) => {
      const search = searchOf(busy, cold, { ...settings, planning: { patienceStartShare: 0.95 } });
      search.loadSampled(busy.figures, 0);
      return search;
    };
    const hasty = searchWith({ hot: 3 });
    expect(found(hasty, 1_000)).toEqual([]);
    const ripeAtMs = hasty.ripeAtMs ?? Number.NaN;
    expect(ripeAtMs).toBeGreaterThan(1_000);
    expect(found(hasty, ripeAtMs - 1)).toEqual([]);
    expect(found(hasty, ripeAtMs + 1).length).toBeGreaterThan(0);
    expect(hasty.ripeAtMs).toBeUndefined();
    const patient = searchWith({ hot: 0 });
    expect(found(patient, 1_000)).toEqual([]);
    expect(patient.ripeAtMs).toBeUndefined();
  });

  it("looks past those that refused a moment ago, in haste", () => {
    const self = hostWith("node-a", [vm("web", 2)], 3);
    const cold = Array.from({ length: 40 }, (_, at) => hostWith(`node-${at}`, [], 0));
    const skipped = cold.slice(0, 37).map(({ figures }) => figures.host);
    const targets = (hot: number) => {
      const search = searchOf(self, cold, { hot, skipped, planning: { patienceStartShare: 0 } });
      search.loadSampled(self.figures, 0);
      return found(search).length;
    };
    expect(targets(3)).toBe(3);
    expect(targets(0)).toBe(defaultPlanningParams.shortlistMax);
  });

  it("weighs every host in a large cluster, not a sample", () => {
    const self = hostWith("node-a", [vm("a-1", 2)], 4);
    const full = Array.from({ length: 199 }, (_, at) => hostWith(`full-${at}`, [], 6));
    for (let seed = 0; seed < 20; seed++) {
      const search = searchOf(self, [...full, hostWith("empty", [], 2)], { seed });
      expect(found(search)).toEqual(["a-1 empty"]);
    }
  });

  it("asks no host that is draining or taking in another VM, in a large cluster", () => {
    const self = hostWith("node-a", [vm("a-1", 2)], 4);
    const others = Array.from({ length: 64 }, (_, at) => {
      const host = hostWith(`node-${at}`, [], 2);
      const state = [{ draining: true }, { freeSlotsIn: 0 }, {}][at % 3];
      return { ...host, figures: { ...host.figures, ...state } };
    });
    const targets = found(searchOf(self, others)).map((one) => Number(one.split("-")[2]) % 3);
    expect(new Set(targets)).toEqual(new Set([2]));
  });

  it("is content with a sample for a drain, that has the hosts that are wanted", () => {
    const self = hostWith("node-a", [vm("a-1", 2)], 4);
    const others = Array.from({ length: 100 }, (_, at) => hostWith(`node-${at}`, [], 2));
    const search = searchOf(self, others, { wanted: ["node-77"] });
    const targets = search.find("drain", 0).map(({ to }) => to);
    expect(targets).toContain("node-77");
    expect(targets.length).toBeLessThan(40);
    expect(search.expectsMore(0)).toBe(false);
  });

  it("makes no move beyond the cap of the whole cluster", () => {
    const others = [hostWith("node-b", [vm("b-1", 0.2)], 0)];
    const self = hostWith("node-a", [vm("a-1", 2), vm("a-2", 2)], 2);
    expect(found(searchOf(self, others, { movesMax: 1 }))).toHaveLength(1);
    expect(found(searchOf(self, others, { movesMax: 0 }))).toEqual([]);
    // Which moves are best shows only once all loads are known.
    expect(found(searchOf(self, others, { movesMax: 1, silent: ["node-b"] }))).toEqual([]);
    // And once the ends of each move tell the same.
    expect(found(searchOf(self, others, { movesMax: 1, unsettled: ["node-b"] }))).toEqual([]);
  });
});
