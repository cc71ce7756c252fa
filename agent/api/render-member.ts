import type { MemberView } from "#lib/core/snapshot.ts";
import { roundedShare } from "./rounded-share.ts";

/** A member as `GET /v1/members` shows it; figures are null until its first summary came. */
export function renderMember(member: MemberView) {
  const { summary } = member;
  return {
    name: member.name,
    state: member.state,
    host: member.host,
    self: member.self,
    ageMs: member.ageMs,
    incarnation: member.incarnation,
    presence: summary?.presence ?? null,
    keyed: summary?.keyed ?? null,
    draining: summary?.draining ?? false,
    vmCount: summary?.vmCount ?? null,
    /** Projected (measured + granted in - granted out), 0..1 of the capacity. */
    cpuShare: roundedShare(summary?.projectedCpuCores, summary?.cpuCapacityCores),
    measuredCpuShare: roundedShare(summary?.measuredCpuCores, summary?.cpuCapacityCores),
    cpuCapacityCores: summary?.cpuCapacityCores ?? null,
    memoryShare: roundedShare(summary?.projectedMemoryBytes, summary?.memoryCapacityBytes),
    memoryCapacityBytes: summary?.memoryCapacityBytes ?? null,
    /** Null where the links' speed is not known. */
    networkShare: roundedShare(
      summary?.projectedNetworkBytesPerSecond,
      summary?.networkCapacityBytesPerSecond,
    ),
    networkCapacityBytesPerSecond: summary?.networkCapacityBytesPerSecond || null,
    pressure: summary?.pressure ?? null,
    freeSlotsIn: summary?.freeSlotsIn ?? null,
    freeSlotsOut: summary?.freeSlotsOut ?? null,
    hypervisor: summary?.hypervisor ?? null,
    addresses: summary?.addresses ?? [],
    /** UDP; null until its first summary came. */
    probePort: summary?.probePort ?? null,
    /** How far its clock is ahead of the asked host's; null where it did not tell. */
    clockSkewMs: member.clockSkewMs === undefined ? null : Math.round(member.clockSkewMs),
    agentVersion: summary?.agentVersion ?? null,
  };
}
