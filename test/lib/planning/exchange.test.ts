import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scoreNeeded } from "#lib/planning/candidates.ts";
import {
  bestExchange,
  type Exchange,
  type ExchangeOptions,
  fitsAfter,
  onlyMemoryIsShort,
  pairGain,
} from "#lib/planning/exchange.ts";
import type { HostFigures } from "#lib/planning/host-figures.ts";
import { defaultPlanningParams as params } from "#lib/planning/params.ts";
import { potential, scaleOf, withVm } from "#lib/planning/potential.ts";
import type { VmFigures } from "#lib/planning/vm-figures.ts";
import { anyHosts, anyVms } from "../../support/planning-arbitraries.ts";
import { hostFigures, vmFigures } from "../../support/planning-figures.ts";

const GIB = 2 ** 30;

function vm(name: string, cpuCores: number, gib: number, changes = {}): VmFigures {
  const base = vmFigures(name, { cpuCores, memoryBytes: gib * GIB, ...changes });
  return { ...base, load: { ...base.load, residentBytes: gib * GIB } };
}

/** Hosts of 10 cores and 100 GiB: one full and busy, one full and idle, one with some room. */
function look(changes: Partial<ExchangeOptions> = {}, roomGib = 12): ExchangeOptions {
  const self = hostFigures("busy", { cpuCores: 9, memoryBytes: 95 * GIB });
  const idle = hostFigures("idle", { cpuCores: 1, memoryBytes: 95 * GIB });
  const third = hostFigures("third", { cpuCores: 5, memoryBytes: (100 - roomGib) * GIB });
  const theirs: Record<string, VmFigures[]> = { idle: [vm("i1", 0.1, 10), vm("i2", 0.2, 10)] };
  return {
    self,
    vms: [vm("b1", 3, 10), vm("b2", 1, 10)],
    others: [idle, third],
    vmsOf: ({ host }: HostFigures) => theirs[host] ?? [],
    nowMs: 0,
    scale: scaleOf([self, idle, third]),
    params,
    ...changes,
  };
}

const wordsOf = (options: ExchangeOptions) => {
  const found = bestExchange(options);
  return found && [`${found.give.vm} for ${found.take.vm}`, ...found.legs.map(legWords)];
};
const legWords = ({ vm: name, from, to }: { vm: string; from: string; to: string }) =>
  `${name}: ${from} -> ${to}`;

/** Hosts that a leg fills beyond the brim, and beyond what they had. */
function overfull(found: Exchange, hosts: readonly HostFigures[]): string[] {
  const used = new Map(hosts.map((host) => [host.host, host.memoryBytes]));
  return found.legs.flatMap(({ vm: name, from, to }) => {
    const { memoryBytes } = name === found.give.vm ? found.give : found.take;
    used.set(from, (used.get(from) ?? 0) - memoryBytes);
    const after = (used.get(to) ?? 0) + memoryBytes;
    used.set(to, after);
    const target = hosts.find(({ host }) => host === to);
    const most = Math.max(0.99 * (target?.memoryCapacityBytes ?? 0), target?.memoryBytes ?? 0);
    return after > most ? [to] : [];
  });
}

describe("bestExchange()", () => {
  it("goes round by a third host where the two have no room for both VMs at once", () => {
    expect(wordsOf(look())).toEqual([
      "b1 for i1",
      "i1: idle -> third",
      "b1: busy -> idle",
      "i1: third -> busy",
    ]);
  });

  it("sends round the VM with less to transfer", () => {
    const b1 = vm("b1", 3, 10);
    const vms = [{ ...b1, load: { ...b1.load, residentBytes: GIB } }];
    expect(wordsOf(look({ vms }))?.slice(1)).toEqual([
      "b1: busy -> third",
      "i1: idle -> busy",
      "b1: third -> idle",
    ]);
  });

  it("needs two moves where one of the two has room for both: the kept reserve", () => {
    const vms = [vm("b1", 3, 4)];
    const vmsOf = () => [vm("i1", 0.1, 4)];
    expect(wordsOf(look({ vms, vmsOf }))?.slice(1)).toEqual([
      "b1: busy -> idle",
      "i1: idle -> busy",
    ]);
    const self = hostFigures("busy", { cpuCores: 9, memoryBytes: 92 * GIB });
    const six = { vms: [vm("b1", 3, 6)], vmsOf: () => [vm("i1", 0.1, 6)] };
    expect(wordsOf(look({ ...six, self }))?.slice(1)).toEqual([
      "i1: idle -> busy",
      "b1: busy -> idle",
    ]);
  });

  it.each([
    { name: "there is no room anywhere", changes: {}, roomGib: 10 },
    { name: "the VM rests", changes: { vms: [vm("b1", 3, 10, { cooldownUntilMs: 1 })] } },
    { name: "the VM cannot be moved", changes: { vms: [vm("b1", 3, 10, { immovable: "USB" })] } },
    {
      name: "the balancer is to ignore the VM",
      changes: { vms: [vm("b1", 3, 10, { policy: { ignore: true } })] },
    },
    {
      name: "the VM is pinned",
      changes: { vms: [vm("b1", 3, 10, { policy: { pin: "busy" } })] },
    },
    { name: "nothing is known of the other's VMs", changes: { vmsOf: () => [] } },
    { name: "the VMs weigh about the same", changes: { vmsOf: () => [vm("i1", 2.9, 10)] } },
    { name: "the third host takes in another VM", changes: {}, third: { freeSlotsIn: 0 } },
    { name: "the third host drains", changes: {}, third: { draining: true } },
    {
      name: "it would fill the other's memory further",
      changes: { vmsOf: () => [vm("i1", 0.1, 7)] },
    },
  ])(
    "finds none where $name",
    ({
      changes,
      roomGib,
      third,
    }: {
      changes: Partial<ExchangeOptions>;
      roomGib?: number;
      third?: Partial<HostFigures>;
    }) => {
      const options = look(changes, roomGib);
      const others = options.others.map((host) =>
        host.host === "third" ? { ...host, ...third } : host,
      );
      expect(bestExchange({ ...options, others })).toBeNull();
    },
  );

  it("asks more where either load is noisy, by the rule for single moves", () => {
    const noisy = { ...params, doubtPerNoise: 40, gainPerNoise: 0.02 };
    const found = (mine: number, other: number) =>
      bestExchange({
        ...look({
          vms: [vm("b1", 3, 10, { cpuNoiseShare: mine })],
          vmsOf: ({ host }) => (host === "idle" ? [vm("i1", 1, 10, { cpuNoiseShare: other })] : []),
        }),
        params: noisy,
      });
    const calm = found(0, 0);
    const left = (calm?.gain ?? 0) - (calm?.cost ?? 0) - noisy.gainMin;
    const b1 = vm("b1", 3, 10, { cpuNoiseShare: 0.1 });
    const perNoise = (scoreNeeded(b1, { ...look(), params: noisy }) - noisy.gainMin) / 0.1 ** 2;
    const most = Math.sqrt(left / perNoise);
    expect(most).toBeLessThan(noisy.noiseShareMax);
    expect(found(most * 0.99, 0)).not.toBeNull();
    expect(found(most * 1.01, 0)).toBeNull();
    expect(found(most * 0.99, noisy.noiseShareMax)).toBeNull();
  });

  it("pays for every transfer", () => {
    const direct = bestExchange(look({ vms: [vm("b1", 3, 4)], vmsOf: () => [vm("i1", 0.1, 4)] }));
    const around = bestExchange(look());
    expect(direct?.legs).toHaveLength(2);
    expect(around?.legs).toHaveLength(3);
    for (const found of [direct, around]) expect(found?.cost).toBeGreaterThan(0);
    const dear = { ...params, transferBurden: 1e3 };
    expect(bestExchange(look({ params: dear }))).toBeNull();
  });

  it("leaves no host with less memory than its limit, or than it had, at any step", () => {
    const sized = fc.record({
      hosts: anyHosts({ min: 3, max: 5 }),
      mine: anyVms({ min: 1, max: 4 }),
      theirs: anyVms({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(sized, ({ hosts, mine, theirs }) => {
        const [self, ...others] = hosts.map((host) => ({ ...host, freeSlotsIn: 1 }));
        if (!self) return;
        const vms = mine.map((one) => ({ ...one, vm: `a-${one.vm}` }));
        const options = { ...look(), self, others, vms, scale: scaleOf(hosts), nowMs: 5000 };
        const found = bestExchange({ ...options, vmsOf: () => theirs });
        if (!found) return;
        expect(overfull(found, hosts)).toEqual([]);
        expect(found.gain - found.cost).toBeGreaterThan(params.gainMin);
      }),
      { numRuns: 500 },
    );
  });
});

describe("pairGain()", () => {
  it("is the exact fall of the potential when both have moved", () => {
    fc.assert(
      fc.property(anyHosts({ min: 2, max: 2 }), anyVms({ min: 2, max: 2 }), (hosts, vms) => {
        const [a, b] = hosts;
        const [give, take] = vms;
        if (!a || !b || !give || !take) return;
        const options = { scale: scaleOf(hosts), weights: params.weights };
        const [from, to] = [withVm(a, give, 1), withVm(b, take, 1)];
        const before = potential([from, to], options);
        const after = potential([withVm(a, take, 1), withVm(b, give, 1)], options);
        const gain = pairGain({ give, take, from, to }, { scale: options.scale, params });
        expect(Math.abs(gain - (before - after)) / Math.max(1, before, after)).toBeLessThan(1e-9);
      }),
    );
  });
});

describe("fitsAfter()", () => {
  it.each([
    [80, 9, true],
    [80, 11, false],
    [95, 0, true],
    [95, -3, true],
    [95, 1, false],
    [99.5, 0, false],
  ])("of a host with %i %% of its memory taken and %i more is %s", (used, more, expected) => {
    const host = hostFigures("a", { memoryBytes: used * GIB });
    expect(fitsAfter(host, more * GIB, { memoryShareMax: 0.9 })).toBe(expected);
  });
});

describe("onlyMemoryIsShort()", () => {
  it("is true when a single move would serve, had its target the room", () => {
    expect(onlyMemoryIsShort(look())).toBe(true);
  });

  it("is false while any single move that wins has room, however little it wins", () => {
    const roomy = hostFigures("roomy", { cpuCores: 5, memoryBytes: 70 * GIB });
    const options = look();
    expect(onlyMemoryIsShort({ ...options, others: [...options.others, roomy] })).toBe(false);
    const resting = options.vms.map((one) => ({ ...one, cooldownUntilMs: 1 }));
    expect(onlyMemoryIsShort({ ...options, vms: resting })).toBe(false);
  });

  it("is false where a single move has room, where none would win, or where a rule forbids it", () => {
    const empty = hostFigures("idle", { cpuCores: 1, memoryBytes: 10 * GIB });
    expect(onlyMemoryIsShort(look({ others: [empty] }))).toBe(false);
    const even = hostFigures("idle", { cpuCores: 9, memoryBytes: 95 * GIB });
    expect(onlyMemoryIsShort(look({ others: [even] }))).toBe(false);
    const vms = [vm("b1", 3, 10, { policy: { pin: "busy" } })];
    expect(onlyMemoryIsShort(look({ vms }))).toBe(false);
  });
});
