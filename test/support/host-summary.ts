import type { HostSummary } from "#lib/model/host.ts";

const GIB = 2 ** 30;

/** What a small, lightly loaded host says of itself. */
export function hostSummary(changes: Partial<HostSummary> = {}): HostSummary {
  return {
    name: "host",
    presence: "here",
    draining: false,
    cpuCapacityCores: 4,
    memoryCapacityBytes: 8 * GIB,
    projectedCpuCores: 1,
    projectedMemoryBytes: GIB,
    measuredCpuCores: 1.25,
    pressure: { cpuShare: 0.1, memoryShare: 0, ioShare: 0.02 },
    freeSlotsIn: 1,
    freeSlotsOut: 1,
    vmCount: 0,
    antiAffinityGroups: [],
    affinityGroups: [],
    projectedNetworkBytesPerSecond: 0,
    networkCapacityBytesPerSecond: 0,
    hypervisor: {
      kind: "sim",
      version: "1",
      accelerator: "none",
      liveMigrationRefusal: null,
      architecture: "x86_64",
    },
    addresses: ["/ip4/127.0.0.1/tcp/7400"],
    probePort: 7400,
    keyed: true,
    protocolMin: 1,
    protocolMax: 1,
    agentVersion: "0.1.0",
    instance: "00112233445566aa",
    ...changes,
  };
}
