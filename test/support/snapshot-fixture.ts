import type { MemberView, Snapshot, VmView } from "#lib/core/snapshot.ts";
import type { HostSummary } from "#lib/model/host.ts";
import type { MoveOutcome } from "#lib/model/move-outcome.ts";

/** Ids as libp2p writes them; the first twelve characters already differ. */
export const HOST_A = "12D3KooWAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
export const HOST_B = "12D3KooWBbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
export const HOST_C = "12D3KooWCccccccccccccccccccccccccccccccccccccccccccc";

export const MOVE_ID = "web-3.4.00112233445566aa";

const GIB = 2 ** 30;
const MIB = 2 ** 20;

/** Three hosts, one of them suspect; one move under way, one alarm, two ended moves. */
export function snapshotFixture(changes: Partial<Snapshot> = {}): Snapshot {
  return {
    self: HOST_A,
    name: "host-a",
    keyed: true,
    mode: "hold",
    draining: false,
    incarnation: 3,
    uptimeMs: 7_384_000,
    wallOffsetMs: 0,
    members: [
      memberFixture(HOST_A, "host-a", { self: true, ageMs: 0 }, { projectedCpuCores: 3.1 }),
      memberFixture(HOST_B, "host-b", { ageMs: 1_200 }, { projectedCpuCores: 1.2, vmCount: 2 }),
      memberFixture(HOST_C, "host-c", { ageMs: 6_400, state: "suspect" }, { draining: true }),
    ],
    vms: [
      vmFixture("web-1", HOST_A, "host-a"),
      vmFixture("web-2", HOST_B, "host-b", { state: "suspended", load: null }),
      vmFixture("web-3", HOST_A, "host-a", {
        state: "migrating",
        move: MOVE_ID,
        moveTarget: HOST_B,
      }),
    ],
    ownedSpecs: [],
    services: [],
    moves: [
      {
        moveId: MOVE_ID,
        vm: "web-3",
        role: "source",
        peer: HOST_B,
        peerName: "host-b",
        phase: "transferring",
        ageMs: 4_100,
        progress: {
          moveId: MOVE_ID,
          transferredBytes: 80 * MIB,
          remainingBytes: 48 * MIB,
          totalBytes: 128 * MIB,
          dirtyBytesPerSecond: MIB,
        },
        inDoubt: false,
      },
    ],
    history: [outcomeFixture("web-1", 1), outcomeFixture("web-2", 2, { result: "aborted" })],
    plan: {
      moves: [
        {
          vm: "web-1",
          from: HOST_A,
          to: HOST_B,
          gain: 0.081,
          cost: 0.004,
          score: 0.077,
          refusal: null,
          reason: "imbalance",
        },
      ],
      reason: "CPU is 0.78, the mean 0.51",
    },
    shifts: [],
    considered: [
      {
        vm: "web-1",
        from: HOST_A,
        to: HOST_C,
        gain: 0.05,
        cost: 0.004,
        score: 0.046,
        refusal: "host-c is draining",
      },
    ],
    shutdown: null,
    alarms: [
      {
        code: "in-doubt",
        message: "db-1 waits for host-c for 42 s",
        remedy: "bring host-c back, or: evenkeel move resolve db-1 --run-here --fenced host-c",
      },
    ],
    counters: {
      rounds: 12,
      proposalsSent: 5,
      proposalsReceived: 4,
      grants: 3,
      refusals: 2,
      movesOut: 2,
      movesIn: 1,
      movesFailed: 1,
      suspicions: 1,
      refutations: 0,
      recordsAccepted: 400,
      recordsStale: 90,
    },
    ...changes,
  };
}

export function memberFixture(
  host: string,
  name: string,
  changes: Partial<MemberView>,
  summary: Partial<HostSummary> = {},
): MemberView {
  return {
    host,
    name,
    state: "alive",
    incarnation: 1,
    ageMs: 500,
    self: false,
    summary: {
      name,
      presence: "here",
      draining: false,
      cpuCapacityCores: 4,
      memoryCapacityBytes: 8 * GIB,
      projectedCpuCores: 2,
      projectedMemoryBytes: 3 * GIB,
      measuredCpuCores: 2.4,
      pressure: { cpuShare: 0.12, memoryShare: 0, ioShare: 0.01 },
      freeSlotsIn: 1,
      freeSlotsOut: 1,
      vmCount: 3,
      antiAffinityGroups: [],
      affinityGroups: [],
      projectedNetworkBytesPerSecond: 0,
      networkCapacityBytesPerSecond: 0,
      hypervisor: {
        kind: "qemu",
        version: "10.0.2",
        accelerator: "kvm",
        liveMigrationRefusal: null,
        architecture: "x86_64",
      },
      addresses: ["/ip4/10.0.0.1/tcp/7531"],
      probePort: 7531,
      keyed: true,
      protocolMin: 1,
      protocolMax: 1,
      agentVersion: "0.1.0",
      instance: "0011223344556677",
      ...summary,
    },
    ...changes,
  };
}

export function vmFixture(
  name: string,
  host: string,
  hostName: string,
  changes: Partial<VmView> = {},
): VmView {
  return {
    name,
    host,
    hostName,
    hostState: "alive",
    version: 3,
    state: "running",
    vcpus: 1,
    memoryBytes: 128 * MIB,
    load: {
      cpuCores: 0.1,
      residentBytes: 90 * MIB,
      dirtyBytesPerSecond: MIB,
      networkBytesPerSecond: null,
    },
    policy: { pin: null, ignore: false, antiAffinityGroup: null, affinityGroup: null },
    move: null,
    moveTarget: null,
    immovable: null,
    ...changes,
  };
}

export function outcomeFixture(
  vm: string,
  minute: number,
  changes: Partial<MoveOutcome> = {},
): MoveOutcome {
  return {
    moveId: `${vm}.3.00112233445566${minute}0`,
    vm,
    from: HOST_A,
    to: HOST_B,
    reason: "imbalance",
    gain: 0.08,
    cost: 0.004,
    result: "moved",
    detail: "",
    endedAtMs: Date.UTC(2026, 0, 2, 3, minute, 5),
    durationMs: 2_300,
    downtimeMs: 41,
    transferredBytes: 90 * MIB,
    ...changes,
  };
}
