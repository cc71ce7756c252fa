import { describe, expect, it } from "vitest";
import { SimCpuMeter, simLoadOf } from "#agent/hypervisor/sim/sim-load.ts";
import { simVmSpec } from "#lib/simulation/sim-cluster.ts";
import type { SimCopy } from "#lib/simulation/sim-copy.ts";

const mebibyte = 2 ** 20;

function specWith(cmdline: string, vcpus = 1) {
  const kernel = { path: "/any/kernel", initrd: null, cmdline };
  return { ...simVmSpec("web", 256 * mebibyte), vcpus, kernel };
}

describe("simLoadOf()", () => {
  it.each([
    ["", 0.05, 256, 0],
    ["load=20", 0.2, 256, 0],
    ["console=ttyS0 dirty=40 rate=10 load=7", 0.07, 64, 10 * 4096 * 10],
    ["dirty=4000", 0.05, 256, 0],
    ["load=900", 1, 256, 0],
    ["overload=90", 0.05, 256, 0],
  ])("reads %j", (cmdline, cpuCores, residentMib, dirtyBytesPerSecond) => {
    expect(simLoadOf(specWith(cmdline))).toEqual({
      cpuCores,
      residentBytes: residentMib * mebibyte,
      dirtyBytesPerSecond,
    });
  });

  it("has a default for a spec without a kernel", () => {
    expect(simLoadOf(simVmSpec("web")).cpuCores).toBe(0.05);
  });
});

describe("SimCpuMeter", () => {
  const copy: SimCopy = {
    spec: specWith("load=10"),
    state: "running",
    moveId: null,
    boot: "1",
    ranMs: 0,
    sinceMs: 0,
    imageUsed: false,
  };

  it("counts the load's share of the time that the guest ran, within a tenth, never falling", () => {
    const meter = new SimCpuMeter("seed");
    let last = 0;
    for (let second = 1; second <= 100; second += 1) {
      const now = meter.read(copy, second * 1_000);
      const cores = (now - last) / 1e9;
      expect(cores).toBeGreaterThanOrEqual(0.09 - 1e-9);
      expect(cores).toBeLessThanOrEqual(0.11 + 1e-9);
      last = now;
    }
    expect(last / 1e9).toBeGreaterThan(9);
  });

  it("begins anew with a new boot and after the guest was gone", () => {
    const meter = new SimCpuMeter("seed");
    const first = meter.read(copy, 10_000);
    expect(meter.read({ ...copy, boot: "2", sinceMs: 9_000 }, 10_000)).toBeLessThan(first);
    meter.keep(new Set());
    expect(meter.read(copy, 1_000)).toBeLessThan(first);
  });
});
