import { describe, expect, it } from "vitest";
import { ProcSampler } from "#agent/host/proc-sampler.ts";
import { MemoryLog } from "../../support/memory-log.ts";

function sampler(procDirectory: string) {
  const log = new MemoryLog();
  return { log, sampler: new ProcSampler({ log, procDirectory }) };
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

  it("counts what ZFS would give back as available", async () => {
    const { sampler: machine } = sampler("test/fixtures/proc-zfs");
    const { memory } = await machine.sample();
    expect(memory?.availableBytes).toBe(2 * 2 ** 30 + 6_979_321_856 - 536_870_912);
  });

  it("leaves out what is missing and says why, once", async () => {
    const { sampler: machine, log } = sampler("test/fixtures/proc-zfs");
    expect((await machine.sample()).pressure).toBeNull();
    await machine.sample();
    expect(log.messages).toHaveLength(3);
    expect(log.messages[0]).toMatch(/proc-zfs\/pressure\/cpu: cpu pressure is unknown: ENOENT/);
  });

  it("has no figure at all where there is no /proc", async () => {
    const { sampler: machine } = sampler("test/fixtures/nowhere");
    expect(await machine.sample()).toEqual({ cpu: null, memory: null, pressure: null });
  });
});
