import { compareText } from "../base/ordered.ts";
import type { ActionReason } from "../model/action.ts";
import type { AffinityPart } from "../model/host.ts";
import type { HostFigures } from "./host-figures.ts";
import type { VmFigures } from "./vm-figures.ts";

/**
 * VMs of one affinity group are kept together on one host. Where they are not, all gather at the
 * host with the most of them; every host finds the same one from the same figures, so two halves
 * never change places.
 */

/** A VM as far as affinity concerns it. */
export type CompanionVm = Pick<
  VmFigures,
  "vm" | "memoryBytes" | "policy" | "companions" | "gatherAt"
>;

/** Names of companions that a refusal tells; the rest is counted. */
const namedMax = 3;

export function partOf(host: HostFigures, group: string): AffinityPart | undefined {
  // A record that nobody validated (a test's, an older core's) may lack the list.
  return host.affinityGroups?.find((part) => part.group === group && part.vms > 0);
}

/** Where the group gathers: the host with the most of it, if any has some. */
export function gatheringHost(
  group: string,
  hosts: readonly HostFigures[],
): HostFigures | undefined {
  let best: HostFigures | undefined;
  for (const host of hosts) {
    if (partOf(host, group) && (!best || outweighs(host, best, group))) best = host;
  }
  return best;
}

/** True when the group gathers at `a` rather than at `b`: a strict order of all hosts. */
function outweighs(a: HostFigures, b: HostFigures, group: string): boolean {
  // Nobody gathers on a host that is being emptied.
  if (a.draining !== b.draining) return b.draining;
  const [mine, other] = [partOf(a, group), partOf(b, group)];
  const difference =
    (mine?.vms ?? 0) - (other?.vms ?? 0) ||
    (mine?.memoryBytes ?? 0) - (other?.memoryBytes ?? 0) ||
    compareText(b.host, a.host);
  return difference > 0;
}

/** In words, when the VM is apart from most of its group; null when not. */
export function affinityBroken(vm: CompanionVm): string | null {
  const { gatherAt, policy } = vm;
  if (!gatherAt) return null;
  return `${vm.vm} is apart from affinity group ${policy.affinityGroup}, most of which is on ${gatherAt.name}`;
}

export interface AffinityOptions {
  readonly reason: ActionReason;
  readonly memoryShareMax: number;
}

/** Why the VM must not go there for its group's sake, in words; null when it may. */
export function affinityRefusal(
  vm: CompanionVm,
  from: HostFigures,
  to: HostFigures,
  options: AffinityOptions,
): string | null {
  const group = vm.policy.affinityGroup ?? null;
  if (group === null || vm.gatherAt?.host === to.host) return null;
  if (vm.gatherAt && options.reason !== "operator") return affinityBroken(vm);
  const partThere = partOf(to, group);
  if (!partThere) return leaveRefusal({ vm, from, to, group }, options);
  if (options.reason === "operator" || from.draining || outweighs(to, from, group)) return null;
  return `${from.name} holds more of affinity group ${group} than ${to.name}, which is to follow`;
}

/** To a host with none of the group: as the first of them to leave a draining host, or if alone. */
function leaveRefusal(
  leave: { vm: CompanionVm; from: HostFigures; to: HostFigures; group: string },
  options: AffinityOptions,
): string | null {
  const { vm, from, to, group } = leave;
  const here = partOf(from, group);
  const others = (here?.vms ?? 1) - 1;
  if (others <= 0) return null;
  if (options.reason !== "drain" || !from.draining) {
    return `${vm.vm} is kept together with ${companionWords(vm, others)} (affinity group ${group})`;
  }
  // The others follow: where there is no room for all, the group would be torn apart for good.
  const room = to.memoryCapacityBytes * options.memoryShareMax - to.memoryBytes;
  return (here?.memoryBytes ?? 0) <= room
    ? null
    : `${to.name} has no room for all ${others + 1} VMs of affinity group ${group}`;
}

function companionWords({ companions = [] }: CompanionVm, others: number): string {
  if (companions.length === 0) return `${others} other${others === 1 ? "" : "s"}`;
  const named = companions.slice(0, namedMax);
  const more = companions.length - named.length;
  if (more > 0) return `${named.join(", ")} and ${more} more`;
  const last = named.at(-1) ?? "";
  return named.length === 1 ? last : `${named.slice(0, -1).join(", ")} and ${last}`;
}
