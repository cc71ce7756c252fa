import { describe, expect, it } from "vitest";
import { type ConfiguredCapacity, HostLoadSampler } from "#agent/host/load-sampler.ts";
import type { MachineSample } from "#agent/host/proc-sampler.ts";
import type { VmUsage } from "#agent/ports/hypervisor.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const GIB = 2 ** 30;
const MEASURED: ConfiguredCapacity = { cpuCores: null, memoryBytes: null };
const pressure = { cpuShare: 0.1, memoryShare: 0, ioShare: 0 };

function machineAt(busyTicks: number, totalTicks: number): MachineSample {
  return {
    cpu: { busyTicks, totalTicks, cpuCount: 4 },
    memory: { totalBytes: 16 * GIB, availableBytes: 10 * GIB },
    pressure,
    network: null,
  };
}

function usage(cpuTimeNs: number, residentBytes = 2 * GIB): VmUsage {
  return {
    vm: "a",
    cpuTimeNs,
    runDelayNs: 0,
    residentBytes,
    dirtyBytesPerSecond: 5,
    networkBytes: null,
  };
}

function makeSampler(capacity: ConfiguredCapacity = MEASURED) {
  const clock = new ManualClock();
  const figures = { machine: machineAt(100, 1000), guests: [usage(0)] };
  const sampler = new HostLoadSampler({
    clock,
    capacity,
    machine: { sample: async () => figures.machine },
    hypervisor: { usage: async () => figures.guests },
  });
  return { clock, figures, sampler };
}

describe("HostLoadSampler", () => {
  it("needs two looks", async () => {
    const { sampler } = makeSampler();
    expect(await sampler.sample()).toBeUndefined();
  });

  it("splits the machine's load into guests and the rest", async () => {
    const { clock, figures, sampler } = makeSampler();
    await sampler.sample();
    clock.advance(1000);
    // Half of four processors busy: 2 cores, 0.75 of them the guest's.
    figures.machine = machineAt(300, 1400);
    figures.guests = [usage(0.75e9)];
    const sample = await sampler.sample();
    expect(sample?.host).toEqual({
      cpuCapacityCores: 4,
      otherCpuCores: 1.25,
      memoryCapacityBytes: 16 * GIB,
      reservedMemoryBytes: 4 * GIB,
      networkCapacityBytesPerSecond: null,
      otherNetworkBytesPerSecond: null,
      pressure,
    });
    expect(sample?.vms).toEqual([
      {
        vm: "a",
        load: {
          cpuCores: 0.75,
          residentBytes: 2 * GIB,
          dirtyBytesPerSecond: 5,
          networkBytesPerSecond: null,
        },
      },
    ]);
  });

  it("tells the links' traffic from the guests', and takes nothing for the links' speed", async () => {
    const { clock, figures, sampler } = makeSampler();
    const at = (bytes: number, capacityBytesPerSecond: number | null, guestBytes: number) => {
      figures.machine = { ...machineAt(300, 1400), network: { bytes, capacityBytesPerSecond } };
      figures.guests = [{ ...usage(0), networkBytes: guestBytes }];
    };
    at(1_000, 250, 0);
    await sampler.sample();
    clock.advance(2000);
    at(1_900, 250, 600);
    figures.machine = { ...figures.machine, cpu: machineAt(500, 2400).cpu };
    const sample = await sampler.sample();
    expect(sample?.host).toMatchObject({
      networkCapacityBytesPerSecond: 250,
      otherNetworkBytesPerSecond: 150,
    });
    expect(sample?.vms[0]?.load.networkBytesPerSecond).toBe(300);
  });

  it("never calls the rest negative", async () => {
    const { clock, figures, sampler } = makeSampler();
    await sampler.sample();
    clock.advance(1000);
    figures.machine = machineAt(100, 1400);
    figures.guests = [usage(1e9, 30 * GIB)];
    expect((await sampler.sample())?.host).toMatchObject({
      otherCpuCores: 0,
      reservedMemoryBytes: 0,
    });
  });

  it("counts own guests only where capacity is configured: the machine is shared", async () => {
    const { clock, figures, sampler } = makeSampler({ cpuCores: 0.5, memoryBytes: GIB });
    figures.machine = { cpu: null, memory: null, pressure, network: null };
    await sampler.sample();
    clock.advance(1000);
    figures.guests = [usage(0.1e9)];
    expect(await sampler.sample()).toEqual({
      host: {
        cpuCapacityCores: 0.5,
        otherCpuCores: 0,
        memoryCapacityBytes: GIB,
        reservedMemoryBytes: 0,
        networkCapacityBytesPerSecond: null,
        otherNetworkBytesPerSecond: null,
        pressure: null,
      },
      vms: [
        {
          vm: "a",
          load: {
            cpuCores: 0.1,
            residentBytes: 2 * GIB,
            dirtyBytesPerSecond: 5,
            networkBytesPerSecond: null,
          },
        },
      ],
    });
  });

  it.each([
    ["CPU", { cpu: null }],
    ["memory", { memory: null }],
  ])("has no sample while the host's %s cannot be had", async (_name, missing) => {
    const { clock, figures, sampler } = makeSampler();
    await sampler.sample();
    clock.advance(1000);
    figures.machine = { ...machineAt(300, 1400), ...missing };
    expect(await sampler.sample()).toBeUndefined();
  });

  it("has no sample for an interval in which a processor went off line", async () => {
    const { clock, figures, sampler } = makeSampler();
    await sampler.sample();
    clock.advance(1000);
    figures.machine = machineAt(50, 700);
    expect(await sampler.sample()).toBeUndefined();
    clock.advance(1000);
    figures.machine = machineAt(60, 800);
    expect(await sampler.sample()).toBeDefined();
  });

  it("keeps its earlier look when asked again too soon", async () => {
    const { clock, figures, sampler } = makeSampler();
    await sampler.sample();
    clock.advance(50);
    figures.guests = [usage(0.04e9)];
    expect(await sampler.sample()).toBeUndefined();
    clock.advance(950);
    figures.machine = machineAt(300, 1400);
    figures.guests = [usage(0.5e9)];
    expect((await sampler.sample())?.vms[0]?.load.cpuCores).toBeCloseTo(0.5);
  });

  it("passes the hypervisor's failure on", async () => {
    const sampler = new HostLoadSampler({
      clock: new ManualClock(),
      capacity: MEASURED,
      machine: { sample: async () => machineAt(1, 2) },
      hypervisor: { usage: () => Promise.reject(new Error("no hypervisor")) },
    });
    await expect(sampler.sample()).rejects.toThrow("no hypervisor");
  });
});
