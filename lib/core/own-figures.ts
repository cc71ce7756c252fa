import type { Ledger } from "../ledger/ledger.ts";
import type { HostSummary } from "../model/host.ts";
import type { HostFigures } from "../planning/host-figures.ts";
import { type GuestTable, hasMemory } from "./guest-table.ts";
import type { Self } from "./self.ts";

/** Versions of the protocol that this build speaks. */
export const protocolVersions = { min: 1, max: 1 } as const;

/** This host as the planner sees it: measured + granted in - granted out. */
export function ownFigures(self: Self, guests: GuestTable, ledger: Ledger): HostFigures {
  const load = self.hostLoad;
  const groups = new Set(ledger.incomingGroups);
  let cpuCores = (load?.otherCpuCores ?? 0) + ledger.incomingCpuCores - ledger.outgoingCpuCores;
  for (const guest of guests.all()) {
    if (!hasMemory(guest.copy) && guest.action !== "starting") continue;
    cpuCores += guest.estimate.value()?.cpuCores ?? 0;
    const group = guest.owned.spec.policy.antiAffinityGroup;
    if (group !== null) groups.add(group);
  }
  return {
    host: self.options.self,
    name: self.options.name,
    cpuCapacityCores: load?.cpuCapacityCores ?? 0,
    memoryCapacityBytes: load?.memoryCapacityBytes ?? 0,
    cpuCores: Math.max(0, cpuCores),
    memoryBytes: usedMemoryBytes(self, guests) + ledger.reservedMemoryBytes,
    freeSlotsIn: ledger.freeSlotsIn,
    freeSlotsOut: ledger.freeSlotsOut,
    draining: self.draining,
    antiAffinityGroups: [...groups].sort(),
    hypervisor: self.hypervisor,
  };
}

/** Memory that the host itself and the guests that it owns take, in bytes, without reservations. */
export function usedMemoryBytes(self: Self, guests: GuestTable): number {
  let bytes = self.hostLoad?.reservedMemoryBytes ?? 0;
  for (const guest of guests.all()) {
    const takes =
      hasMemory(guest.copy) || guest.action === "starting" || guest.action === "resuming";
    if (takes) bytes += guest.owned.spec.memoryBytes;
  }
  return bytes;
}

/** What this host tells the others of itself. */
export function ownSummary(self: Self, guests: GuestTable, ledger: Ledger): HostSummary {
  const figures = ownFigures(self, guests, ledger);
  const { keyed, agentVersion } = self.options;
  return {
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
    pressure: self.hostLoad?.pressure ?? null,
    freeSlotsIn: figures.freeSlotsIn,
    freeSlotsOut: figures.freeSlotsOut,
    vmCount: guests.size,
    antiAffinityGroups: figures.antiAffinityGroups,
    hypervisor: self.hypervisor,
    addresses: self.addresses,
    probePort: self.probePort,
    keyed,
    protocolMin: protocolVersions.min,
    protocolMax: protocolVersions.max,
    agentVersion,
    instance: self.instance,
  };
}
