import { describe, expect, it } from "vitest";
import { ProcSampler } from "#agent/host/proc-sampler.ts";
import { MemoryLog } from "../../support/memory-log.ts";

function sampler(procDirectory: string, sysDirectory = "test/fixtures/sys-plain") {
  const log = new MemoryLog();
  return { log, sampler: new ProcSampler({ log, procDirectory, sysDirectory }) };
}

describe("ProcSampler", () => {
  it("reads a host without ZFS and says nothing", async () => {
    const { sampler: machine, log } = sampler("test/fixtures/proc-plain");
    const sample = await machine.sample();
    expect(sample.cpu?.cpuCount).toBe(2);
    expect(sample.memory?.availableBytes).toBeLessThan(sample.memory?.totalBytes ?? 0);
    expect(sample.pressure).toEqual({ cpuShare: 0.2548, memoryShare: 0, ioShare: 0.0305 });
    expect(log.records).toEqual([]);
  });

  it("counts the traffic of physical links alone, and their speed in both directions", async () => {
    const { sampler: machine } = sampler("test/fixtures/proc-plain");
    // wlan0 is physical and tells no speed; br0, ek-1 and lo lead nowhere by themselves.
    const capacityBytesPerSecond = 2 * 1000 * 125_000;
    expect((await machine.sample()).network).toEqual({ bytes: 1030, capacityBytesPerSecond });
  });

  it("says once why it knows no capacity", async () => {
    const { sampler: machine, log } = sampler("test/fixtures/proc-plain", "test/fixtures/nowhere");
    expect((await machine.sample()).network).toEqual({ bytes: 0, capacityBytesPerSecond: null });
    await machine.sample();
    expect(log.messages).toEqual([
      "test/fixtures/proc-plain/net/dev: network capacity is unknown: there is no physical interface",
    ]);
  });

  it("counts what ZFS would give back as available", async () => {
    const { sampler: machine } = sampler("test/fixtures/proc-zfs");
    const { memory } = await machine.sample();
    expect(memory?.availableBytes).toBe(2 * 2 ** 30 + 6_979_321_856 - 536_870_912);
  });

  it("leaves out what is missing and says why, once", async () => {
    const { sampler: machine, log } = sampler("test/fixtures/proc-zfs");
    expect((await machine.sample()).pressure).toBeNull();
    await machine.sample();
    expect(log.messages).toHaveLength(4);
    expect(log.messages[0]).toMatch(/proc-zfs\/pressure\/cpu: cpu pressure is unknown: ENOENT/);
  });

  it("has no figure at all where there is no /proc", async () => {
    const { sampler: machine } = sampler("test/fixtures/nowhere");
    expect(await machine.sample()).toEqual({
      cpu: null,
      memory: null,
      pressure: null,
      network: null,
    });
  });
});
