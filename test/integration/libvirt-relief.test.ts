/**
 * Relief on libvirt: real guests crowd one of two hosts, then a third host joins; the agents even them
 * out by themselves. They are told nothing but the key: no peers, no ports, no ssh keys, no certificates.
 */
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { populationSd } from "#lib/base/stats.ts";
import { DemandMeter } from "../../scripts/levelling/demand-meter.ts";
import { eventually } from "../support/eventually.ts";
import { showLogs } from "../support/fleet-in-test.ts";
import { GuestWatch, twoRan } from "../support/guest-watch.ts";
import { LibvirtFleet } from "../support/libvirt-fleet.ts";
import { libvirtMissing } from "../support/libvirt-host.ts";
import { canMakeNamespaces } from "../support/network-namespaces.ts";

const missing = libvirtMissing() ?? (canMakeNamespaces() ? null : "no network namespaces");
const GUESTS = ["web-1", "web-2", "web-3", "web-4", "web-5", "web-6"];
/** Six such guests are too many for one of these hosts, and right for three. */
const CAPACITY = { cpuCores: 0.4, memoryMiB: 4096 };
const SPREAD_MS = 4000;
const LEFT_SHARE_MAX = 0.7;
/** Many times what it takes, on a machine that others use, too. */
const LEVEL = { limitMs: 200_000, pollMs: 250 };
const TEST_MS_MAX = 600_000;

describe.skipIf(missing !== null)(`agents on libvirtds (${missing ?? "installed"})`, () => {
  it("relieve a crowded host among two, and then three", { timeout: TEST_MS_MAX }, async () => {
    const unconfigured = { begun: 2, capacity: CAPACITY };
    const libvirt = await LibvirtFleet.make({ count: 3, unconfigured });
    onTestFinished(async ({ task }) => {
      if (task.result?.state === "fail") showLogs(libvirt.fleet);
      await libvirt.close();
    });
    await libvirt.boot(GUESTS, 1);
    const before = await spreadOf(libvirt, 2);
    const watches = GUESTS.map((vm) => new GuestWatch(libvirt.hosts, vm));
    await libvirt.fleet.host(1).api.post("/v1/mode", { mode: "act" });
    const firstMs = await eventually("two hosts are level", () => isLevel(libvirt, 2, 2), LEVEL);
    const among2 = await spreadOf(libvirt, 2);

    await libvirt.start(3);
    const thirdMs = await eventually("the third has a share", () => isLevel(libvirt, 3, 2), LEVEL);
    const among3 = await spreadOf(libvirt, 3);
    // They go on levelling: who is on the way has a process at both ends.
    await libvirt.fleet.host(1).api.post("/v1/mode", { mode: "hold" });
    await eventually("nothing moves any more", () => isAtRest(libvirt), LEVEL);
    const stories = watches.map((watch) => watch.stop());
    const histories = await Promise.all(libvirt.fleet.hosts.map(({ api }) => api.history()));
    const outcomes = histories.flat();
    const moves = new Set(outcomes.map(({ moveId }) => moveId)).size;
    const silences = stories.map(({ frozenMsMax }) => Math.round(frozenMsMax));
    console.log(
      `spread ${before.toFixed(2)}, then ${among2.toFixed(2)} after ${Math.round(firstMs)} ms; ` +
        `${among3.toFixed(2)} ${Math.round(thirdMs)} ms after a third host joined; ${moves} moves, ` +
        `longest silences ${silences.join(", ")} ms`,
    );
    expect(outcomes.filter(({ result }) => result !== "moved")).toEqual([]);
    expect(among2).toBeLessThan(LEFT_SHARE_MAX * before);
    expect(among3).toBeLessThan(LEFT_SHARE_MAX * before);
    expect(stories.filter(twoRan)).toEqual([]);
    for (const vm of GUESTS) {
      await libvirt.counts(vm);
      const { lost, repeated } = await libvirt.serial(vm);
      expect({ vm, lost, repeated }).toEqual({ vm, lost: [], repeated: [] });
      expect(libvirt.processes(vm)).toHaveLength(1);
    }
  });
});

/** Nothing moves, and no host has more than so many guests over another. */
async function isLevel(libvirt: LibvirtFleet, hosts: number, overMax: number): Promise<boolean> {
  for (const { api } of libvirt.fleet.hosts.slice(0, hosts)) {
    if ((await api.status()).moves.length > 0) return false;
  }
  const counts = pidsOf(libvirt, hosts).map((pids) => pids.length);
  return Math.max(...counts) - Math.min(...counts) <= overMax;
}

/** All know of the hold, and nothing is under way. */
async function isAtRest(libvirt: LibvirtFleet): Promise<boolean> {
  const all = await Promise.all(libvirt.fleet.hosts.map(({ api }) => api.status()));
  return all.every(({ mode, moves }) => mode === "hold" && moves.length === 0);
}

/** Standard deviation of the hosts' shares, by the kernel's counters of the guests' processes. */
async function spreadOf(libvirt: LibvirtFleet, hosts: number): Promise<number> {
  const meters = pidsOf(libvirt, hosts).map((pids) => ({ meter: new DemandMeter(), pids }));
  const read = () => meters.map(({ meter, pids }) => meter.read(pids, performance.now()) ?? 0);
  read();
  await pause(SPREAD_MS);
  return populationSd(read().map((cores) => cores / CAPACITY.cpuCores));
}

/** Of each host, the processes of its guests. */
function pidsOf({ hosts }: LibvirtFleet, count: number): readonly (readonly number[])[] {
  return hosts.slice(0, count).map((host) => GUESTS.flatMap((vm) => host.guestPid(vm) ?? []));
}
