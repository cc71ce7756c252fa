import { describe, expect, it } from "vitest";
import { simVmSpec } from "#lib/simulation/sim-cluster.ts";
import { readCsvTrace } from "#lib/simulation/traces/csv-trace.ts";
import { traceCluster } from "#lib/simulation/traces/trace-cluster.ts";
import { TraceWorkload } from "#lib/simulation/traces/trace-workload.ts";

const gibibyte = 2 ** 30;
const rows = ["a", "b", "c", "d"].flatMap((vm, index) => [
  `${vm},0,${index + 1},2048`,
  `${vm},60,${2 * (index + 1)},1024`,
]);
const trace = readCsvTrace(["vm,second,cpu_cores,memory_mib", ...rows].join("\n"));

describe("traceCluster()", () => {
  it("deals the VMs out, with what they burn at the beginning", () => {
    const { vms } = traceCluster({ trace, hosts: 2, fromSecond: 60 });
    expect(vms.map(({ host }) => host)).toEqual(["host-1", "host-2", "host-1", "host-2"]);
    expect(vms[3]).toMatchObject({ name: "d", cpuCores: 8, memoryBytes: 2 * gibibyte, vcpus: 8 });
  });

  it("makes hosts that are half full on average, and never smaller than a VM", () => {
    const [host] = traceCluster({ trace, hosts: 2, fromSecond: 0 }).hosts;
    // Ten cores for a minute, twenty for the next, on two hosts.
    expect(host?.cpuCapacityCores).toBe(15);
    expect(host?.memoryCapacityBytes).toBe(7 * gibibyte);
    const [small] = traceCluster({ trace, hosts: 20, fromSecond: 0 }).hosts;
    expect(small?.cpuCapacityCores).toBe(8);
    expect(small?.memoryCapacityBytes).toBeGreaterThan(2 * gibibyte);
  });

  it("takes the sizes that it is given, and goes on to the next host when one is full", () => {
    const options = { trace, fromSecond: 0, hostCores: 3, hostMemoryBytes: 5 * gibibyte };
    const { hosts, vms } = traceCluster({ ...options, hosts: 3 });
    expect(hosts[0]).toMatchObject({ cpuCapacityCores: 3, memoryCapacityBytes: 5 * gibibyte });
    expect(vms.map(({ host }) => host)).toEqual(["host-1", "host-2", "host-3", "host-1"]);
    expect(() => traceCluster({ ...options, hosts: 1 })).toThrow(
      "may have 8 GiB together, which do not fit on 1 hosts of 5 GiB",
    );
  });
});

describe("TraceWorkload", () => {
  const indexOf = new Map([["d", 3]]);

  it("replays from a moment on, as fast as it is told to", () => {
    const workload = new TraceWorkload({ trace, indexOf, fromSecond: 20, speed: 10 });
    const at = (ms: number) => workload.loadOf(simVmSpec("d", 2 * gibibyte), ms);
    expect(at(0)).toMatchObject({ cpuCores: 4, residentBytes: 2 * gibibyte });
    expect(at(3_999).cpuCores).toBe(4);
    expect(at(4_000)).toMatchObject({ cpuCores: 8, residentBytes: gibibyte });
    expect(at(1e9).cpuCores).toBe(8);
  });

  it("says when its loads change, where that is regular", () => {
    const stepOf = (fromSecond: number) =>
      new TraceWorkload({ trace, indexOf, fromSecond, speed: 10 }).stepMs;
    expect(stepOf(60)).toBe(6_000);
    expect(stepOf(61)).toBe(0);
  });

  it("never asks for more memory than the VM may have", () => {
    const workload = new TraceWorkload({ trace, indexOf });
    expect(workload.loadOf(simVmSpec("d", gibibyte), 0).residentBytes).toBe(gibibyte);
  });
});
