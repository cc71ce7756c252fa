import { describe, expect, it } from "vitest";
import { processStat } from "#agent/hypervisor/qemu/process-identity.ts";
import { isVcpu, parseThread, readUsage } from "#agent/hypervisor/qemu/usage.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";

describe("parseThread()", () => {
  it("reads run and wait times of a thread", () => {
    expect(parseThread("CPU 0/TCG\n", "3017000111 42000222 1234\n")).toEqual({
      name: "CPU 0/TCG",
      runNs: 3017000111,
      waitNs: 42000222,
    });
  });

  it.each(["", "x y z", "12"])("leaves out a thread that ended: %j", (schedstat) => {
    expect(parseThread("CPU 0/KVM", schedstat)).toBeUndefined();
  });
});

describe("isVcpu()", () => {
  it.each([
    ["CPU 0/KVM", true],
    ["CPU 11/TCG", true],
    ["qemu-system-x86", false],
    ["IO mon_iothread", false],
  ])("of %s is %s", (name, expected) => {
    expect(isVcpu({ name, runNs: 0, waitNs: 0 })).toBe(expected);
  });
});

describe("readUsage()", () => {
  const spec = {
    name: "self",
    memoryBytes: 1 << 20,
    network: { kind: "user", forwards: [] },
  } as unknown as VmSpec;

  it("reads a living process, with no more memory than the VM has", async () => {
    const startTicks = (await processStat(process.pid))?.startTicks ?? 0;
    const usage = await readUsage(spec, { pid: process.pid, startTicks });
    expect(usage).toMatchObject({ vm: "self", runDelayNs: 0, residentBytes: 1 << 20 });
    expect(usage?.cpuTimeNs).toBeGreaterThan(0);
  });

  it("counts the traffic of a tap device alone, and calls it unknown while there is none", async () => {
    const startTicks = (await processStat(process.pid))?.startTicks ?? 0;
    const bridged = { ...spec, network: { kind: "bridge", bridge: "br0", mac: "" } } as VmSpec;
    for (const one of [spec, bridged]) {
      const usage = await readUsage(one, { pid: process.pid, startTicks });
      expect(usage?.networkBytes).toBeNull();
    }
  });

  it("is undefined for a process that ended, or whose number is another's now", async () => {
    expect(await readUsage(spec, { pid: process.pid, startTicks: 1 })).toBeUndefined();
    expect(await readUsage(spec, { pid: 0, startTicks: 1 })).toBeUndefined();
  });
});
