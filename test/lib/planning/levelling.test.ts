/**
 * Planning, election and ledger together, hand in hand, on a virtual clock: what a cluster does with
 * them when nothing fails. The whole protocol is tested over lib/simulation.
 */
import { expect, test } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { type LoopHost, type LoopVm, PlanningLoop } from "../../support/planning-loop.ts";

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const MINUTE_MS = 60_000;

function hosts(count: number, changes: Partial<LoopHost> = {}): LoopHost[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `node-${"abcdefghijklmnopqrstuvwxyz"[i]}`,
    cpuCapacityCores: 10,
    memoryCapacityBytes: 100 * GIB,
    ...changes,
  }));
}

function vm(name: string, host: string, cpuCores: number, changes: Partial<LoopVm> = {}): LoopVm {
  return { vm: name, host, demand: () => cpuCores, memoryBytes: GIB, ...changes };
}

test.each([
  { count: 8, noise: 0.15 },
  { count: 9, noise: 0.15 },
  { count: 8, noise: 0.5 },
])("three small hosts level $count VMs with noise $noise, and then rest", ({ count, noise }) => {
  for (let seed = 1; seed <= 5; seed++) {
    // Started one a second, and busy with booting for four seconds each.
    const vms = Array.from({ length: count }, (_, i) =>
      vm(`vm-${i}`, "node-a", 0.1, {
        demand: (nowMs) => (nowMs < i * 1000 + 4000 ? 0.25 : 0.1),
        memoryBytes: 64 * MIB,
        startMs: i * 1000,
      }),
    );
    const small = { cpuCapacityCores: 0.5, memoryCapacityBytes: 4 * GIB };
    const loop = new PlanningLoop({ seed, hosts: hosts(3, small), vms, noise });
    loop.runUntil(MINUTE_MS);
    const crowded = (count * 0.2 * Math.SQRT2) / 3;
    expect(loop.spread("cpu")).toBeLessThan(0.3 * crowded);
    const moves = loop.moves.length;
    expect(moves).toBeLessThanOrEqual(7);
    loop.runUntil(10 * MINUTE_MS);
    expect(loop.moves.slice(moves)).toEqual([]);
    expect(loop.overcommitments).toBe(0);
  }
});

test("twenty hosts with random VMs level, with views a second old, and then rest", () => {
  for (const seed of [1, 2]) {
    const prng = new Prng(seed);
    const skew = [2.2, 1.2, 0.7, 0.35];
    const some = hosts(20, { cpuCapacityCores: 16 });
    const vms = some.flatMap(({ name }, h) =>
      Array.from({ length: 10 }, (_, v) =>
        vm(`vm-${h}-${v}`, name, (0.2 + 2 * prng.nextShare() ** 3) * (skew[h % 4] ?? 1), {
          memoryBytes: (1 + prng.nextInt(8)) * GIB,
        }),
      ),
    );
    const loop = new PlanningLoop({ seed, hosts: some, vms, noise: 0.15, viewAgeMs: 1000 });
    const before = loop.spread("cpu");
    loop.runUntil(MINUTE_MS);
    expect(loop.spread("cpu")).toBeLessThan(0.3 * before);
    loop.runUntil(4 * MINUTE_MS);
    const moves = loop.moves.length;
    expect(moves).toBeLessThan(90);
    loop.runUntil(10 * MINUTE_MS);
    // Noise may move one VM per hundred hosts and minute.
    expect(loop.moves.length - moves).toBeLessThanOrEqual(1);
    expect(loop.overcommitments).toBe(0);
  }
}, 60_000);

test("hosts of unequal size level by share", () => {
  const some = [
    ...hosts(1, { cpuCapacityCores: 32, memoryCapacityBytes: 256 * GIB }),
    ...hosts(3, { cpuCapacityCores: 8, memoryCapacityBytes: 64 * GIB }).slice(1),
  ];
  const vms = Array.from({ length: 48 }, (_, i) => vm(`vm-${i}`, "node-b", 0.5));
  const loop = new PlanningLoop({ seed: 1, hosts: some, vms, noise: 0.1, moveMs: 1000 });
  loop.runUntil(5 * MINUTE_MS);
  for (const share of loop.utilisations("cpu")) expect(Math.abs(share - 0.5)).toBeLessThan(0.1);
  expect(loop.vmsOn("node-a").length).toBeGreaterThan(25);
});

test("memory alone out of balance is relieved", () => {
  const vms = Array.from({ length: 8 }, (_, i) =>
    vm(`vm-${i}`, "node-a", 0.001, { memoryBytes: 10 * GIB }),
  );
  const loop = new PlanningLoop({ seed: 1, hosts: hosts(2), vms });
  const before = loop.spread("memory");
  loop.runUntil(2 * MINUTE_MS);
  expect(loop.spread("memory")).toBeLessThan(0.3 * before);
});

test("VMs of one anti-affinity group on one host are parted, because of the rule", () => {
  const policy = { antiAffinityGroup: "db" };
  const vms = [1, 2, 3].map((i) => vm(`db-${i}`, "node-a", 0.01, { policy }));
  const loop = new PlanningLoop({ seed: 3, hosts: hosts(3), vms });
  loop.runUntil(MINUTE_MS);
  for (const host of ["node-a", "node-b", "node-c"]) expect(loop.vmsOn(host)).toHaveLength(1);
  expect(loop.moves.map(({ reason }) => reason)).toEqual(["rule", "rule"]);
});

test("a VM that is pinned to another host goes there, among more hosts than a sample", () => {
  const vms = [vm("web", "node-a", 0.01, { policy: { pin: "node-z" } })];
  const loop = new PlanningLoop({ seed: 4, hosts: hosts(26), vms });
  loop.runUntil(20_000);
  expect(loop.moves).toMatchObject([{ vm: "web", to: "node-z", reason: "rule" }]);
});

test("a rule that nothing can satisfy does not stop the balancing", () => {
  const pinned = vm("web", "node-a", 0.01, { policy: { pin: "gone" } });
  const others = Array.from({ length: 8 }, (_, i) => vm(`vm-${i}`, "node-a", 1));
  const loop = new PlanningLoop({ seed: 4, hosts: hosts(2), vms: [pinned, ...others] });
  loop.runUntil(MINUTE_MS);
  expect(loop.vmsOn("node-b")).toHaveLength(4);
});

test("a drain empties a host, spreads its VMs, and leaves what may not move", () => {
  const [first, ...rest] = hosts(4);
  const draining: LoopHost[] = first ? [{ ...first, draining: true }, ...rest] : rest;
  const vms = [
    ...Array.from({ length: 9 }, (_, i) => vm(`vm-${i}`, "node-a", 1)),
    ...["node-b", "node-c", "node-d"].map((host) => vm(`own-${host}`, host, 3)),
    vm("kept", "node-a", 1, { policy: { pin: "node-a" } }),
  ];
  const loop = new PlanningLoop({ seed: 5, hosts: draining, vms });
  loop.runUntil(2 * MINUTE_MS);
  expect(loop.vmsOn("node-a")).toEqual(["kept"]);
  for (const host of ["node-b", "node-c", "node-d"]) expect(loop.vmsOn(host)).toHaveLength(4);
  expect(new Set(loop.moves.map(({ reason }) => reason))).toEqual(new Set(["drain"]));
});

test("no grant ever over-commits memory where memory is tight", () => {
  const prng = new Prng(9);
  const tight = hosts(8, { memoryCapacityBytes: 24 * GIB });
  const vms = tight.flatMap(({ name }, h) =>
    Array.from({ length: 5 }, (_, v) =>
      vm(`vm-${h}-${v}`, name, h < 4 ? 2 : 0.2, { memoryBytes: (2 + prng.nextInt(3)) * GIB }),
    ),
  );
  const loop = new PlanningLoop({ seed: 6, hosts: tight, vms, noise: 0.15, viewAgeMs: 3000 });
  loop.runUntil(3 * MINUTE_MS);
  expect(loop.moves.length).toBeGreaterThan(4);
  expect(loop.overcommitments).toBe(0);
});

test("where the load swings, a VM rests longer after each move", () => {
  // Two big VMs that must stay take turns, 40 s each; the small one would follow them for ever.
  const turn = (nowMs: number) => Math.floor(nowMs / 40_000) % 2;
  const fixed = { ignore: true };
  const vms = [
    vm("big-1", "node-a", 0, { demand: (nowMs) => (turn(nowMs) === 0 ? 8 : 0.5), policy: fixed }),
    vm("big-2", "node-b", 0, { demand: (nowMs) => (turn(nowMs) === 1 ? 8 : 0.5), policy: fixed }),
    vm("small", "node-a", 1.5),
  ];
  const loop = new PlanningLoop({ seed: 7, hosts: hosts(2), vms });
  loop.runUntil(20 * MINUTE_MS);
  const at = loop.moves.map(({ atMs }) => atMs);
  expect(at.length).toBeGreaterThan(2);
  at.slice(1).forEach((atMs, i) => {
    expect(atMs - (at[i] ?? 0)).toBeGreaterThanOrEqual(MINUTE_MS * 2 ** Math.min(i, 3));
  });
});
