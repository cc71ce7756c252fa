import { sortedBy } from "../base/ordered.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { AffinityPart, HostSummary } from "../model/host.ts";
import type { HostFigures } from "../planning/host-figures.ts";
import type { LoadEstimate } from "../planning/load-estimate.ts";
import { wireLimits } from "../wire/limits.ts";
import { type Guest, type GuestTable, hasMemory } from "./guest-table.ts";
import type { Self } from "./self.ts";

/** Versions of the protocol that this build speaks. */
export const protocolVersions = { min: 1, max: 1 } as const;

/** This host as the planner sees it: measured + granted in - granted out. */
export function ownFigures(self: Self, guests: GuestTable, ledger: Ledger): HostFigures {
  const load = self.hostLoad;
  // Nobody levels by figures that young; people see them, and a trigger remembers them.
  const demandOf = (one: LoadEstimate) => one.value() ?? (self.measuring ? one.newest : null);
  const groups = new Set(ledger.incomingGroups);
  let networkBytesPerSecond =
    (load?.otherNetworkBytesPerSecond ?? 0) +
    ledger.incomingNetworkBytesPerSecond -
    ledger.outgoingNetworkBytesPerSecond;
  let cpuCores = (load?.otherCpuCores ?? 0) + ledger.incomingCpuCores - ledger.outgoingCpuCores;
  for (const guest of guests.all()) {
    if (!takesMemory(guest)) continue;
    const demand = demandOf(guest.estimate);
    cpuCores += demand?.cpuCores ?? 0;
    networkBytesPerSecond += demand?.networkBytesPerSecond ?? 0;
    const group = guest.owned.spec.policy.antiAffinityGroup;
    if (group !== null) groups.add(group);
  }
  for (const { estimate } of guests.members.all()) {
    const demand = demandOf(estimate);
    cpuCores += demand?.cpuCores ?? 0;
    networkBytesPerSecond += demand?.networkBytesPerSecond ?? 0;
  }
  return {
    host: self.options.self,
    name: self.options.name,
    cpuCapacityCores: load?.cpuCapacityCores ?? 0,
    memoryCapacityBytes: load?.memoryCapacityBytes ?? 0,
    cpuCores: Math.max(0, cpuCores),
    memoryBytes: usedMemoryBytes(self, guests) + ledger.reservedMemoryBytes,
    networkBytesPerSecond: Math.max(0, networkBytesPerSecond),
    networkCapacityBytesPerSecond: load?.networkCapacityBytesPerSecond ?? 0,
    freeSlotsIn: ledger.freeSlotsIn,
    freeSlotsOut: ledger.freeSlotsOut,
    draining: self.draining,
    antiAffinityGroups: [...groups].sort(),
    affinityGroups: ownAffinityParts(guests, ledger),
    hypervisor: self.hypervisor,
  };
}

/** By name; a host with more groups than a record may hold tells of the first. */
function ownAffinityParts(guests: GuestTable, ledger: Ledger): AffinityPart[] {
  const parts = new Map<string, AffinityPart>();
  const add = (group: string | null, memoryBytes: number) => {
    if (group === null) return;
    const known = parts.get(group) ?? { group, vms: 0, memoryBytes: 0 };
    parts.set(group, { group, vms: known.vms + 1, memoryBytes: known.memoryBytes + memoryBytes });
  };
  const leaving = new Set(ledger.outgoing.map((promised) => promised.vm));
  for (const guest of guests.all()) {
    const { name, policy, memoryBytes } = guest.owned.spec;
    // An older agent's journal knows no such group.
    if (takesMemory(guest) && !leaving.has(name)) add(policy.affinityGroup ?? null, memoryBytes);
  }
  for (const promised of ledger.incoming) add(promised.affinityGroup, promised.memoryBytes);
  return sortedBy(parts.values(), (part) => part.group).slice(0, wireLimits.groupsMax);
}

function takesMemory(guest: Guest): boolean {
  return hasMemory(guest.copy) || guest.action === "starting" || guest.action === "resuming";
}

/**
 * Memory that the host itself takes, the guests that it owns, its members of services and those that it gave away and has not
 * discarded yet, in bytes, without reservations.
 */
export function usedMemoryBytes(self: Self, guests: GuestTable): number {
  let bytes = (self.hostLoad?.reservedMemoryBytes ?? 0) + guests.departingMemoryBytes;
  for (const guest of guests.all()) {
    if (takesMemory(guest)) bytes += guest.owned.spec.memoryBytes;
  }
  for (const { spec } of guests.members.all()) bytes += spec.memoryBytes;
  return bytes;
}

/** What this host tells the others of itself. */
export function ownSummary(self: Self, guests: GuestTable, ledger: Ledger): HostSummary {
  const figures = ownFigures(self, guests, ledger);
  const { keyed, agentVersion, services } = self.options;
  const part = services?.hasSwitch ? ("switch" as const) : ("members" as const);
  return {
    ...(keyed && services ? { services: part } : {}),
    name: figures.name,
    presence: self.presence,
    draining: self.draining,
    cpuCapacityCores: figures.cpuCapacityCores,
    memoryCapacityBytes: figures.memoryCapacityBytes,
    projectedCpuCores: figures.cpuCores,
    projectedMemoryBytes: figures.memoryBytes,
    measuredCpuCores: Math.max(
      0,
      figures.cpuCores - ledger.incomingCpuCores + ledger.outgoingCpuCores,
    ),
    projectedNetworkBytesPerSecond: figures.networkBytesPerSecond,
    networkCapacityBytesPerSecond: figures.networkCapacityBytesPerSecond,
    pressure: self.hostLoad?.pressure ?? null,
    freeSlotsIn: figures.freeSlotsIn,
    freeSlotsOut: figures.freeSlotsOut,
    vmCount: guests.size,
    antiAffinityGroups: figures.antiAffinityGroups,
    affinityGroups: figures.affinityGroups,
    hypervisor: self.hypervisor,
    addresses: self.addresses,
    probePort: self.probePort,
    keyed,
    ...(self.measuring && { measuring: true as const }),
    protocolMin: protocolVersions.min,
    protocolMax: protocolVersions.max,
    agentVersion,
    instance: self.instance,
  };
}
