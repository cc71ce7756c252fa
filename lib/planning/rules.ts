import type { ActionReason } from "../model/action.ts";
import { affinityBroken, affinityRefusal, type CompanionVm } from "./affinity.ts";
import type { HostFigures } from "./host-figures.ts";
import type { VmFigures } from "./vm-figures.ts";

/** A VM as far as rules concern it: a proposal from another host carries just this. */
export type RuledVm = Pick<VmFigures, "immovable" | "barred"> & CompanionVm;

/**
 * Share of a host's memory that an exchange may fill for the moment that it takes: what the
 * ordinary limit keeps free is the reserve that makes exchanges possible at all.
 */
export const swapShareMax = 0.99;

export interface RuleOptions {
  readonly reason: ActionReason;
  readonly memoryShareMax: number;
}

/**
 * Why `vm` must not go from one host to another, in one sentence with the figures; null when no
 * rule forbids it. Source and target both ask this: rules hold at propose and at grant. An
 * operator's word overrides `ignore` and `managed`, has a host that refused asked again, and no more.
 */
export function ruleRefusal(
  vm: RuledVm,
  from: HostFigures,
  to: HostFigures,
  options: RuleOptions,
): string | null {
  const shareMax = options.reason === "swap" ? swapShareMax : options.memoryShareMax;
  return standingRefusal(vm, from, to, options) ?? roomRefusal(vm, to, shareMax);
}

/** The same but for slots and memory, which come and go. */
export function standingRefusal(
  vm: RuledVm,
  from: HostFigures,
  to: HostFigures,
  options: RuleOptions,
): string | null {
  return (
    vmRefusal(vm, options.reason) ??
    placeRefusal(vm, from, to) ??
    barredRefusal(vm, to, options.reason) ??
    affinityRefusal(vm, from, to, options) ??
    hypervisorRefusal(vm, from, to)
  );
}

/** Which rule the VM breaks where it is, in words; null when it breaks none. */
export function brokenRule(vm: RuledVm, self: HostFigures, vms: readonly RuledVm[]): string | null {
  const { pin, antiAffinityGroup: group } = vm.policy;
  if (pin !== null && pin !== self.name) return `${vm.vm} is pinned to ${pin}, not to ${self.name}`;
  if (group === null) return affinityBroken(vm);
  const other = vms.find((one) => one.vm !== vm.vm && one.policy.antiAffinityGroup === group);
  return other
    ? `${vm.vm} and ${other.vm} of anti-affinity group ${group} are both on ${self.name}`
    : affinityBroken(vm);
}

/** True when a VM that the balancer may move breaks a rule where it is. */
export function anyRuleBroken(self: HostFigures, vms: readonly RuledVm[]): boolean {
  return vms.some((vm) => vmRefusal(vm, "rule") === null && brokenRule(vm, self, vms) !== null);
}

function vmRefusal(vm: RuledVm, reason: ActionReason): string | null {
  if (vm.immovable !== null) return `${vm.vm} cannot be moved: ${vm.immovable}`;
  if (vm.policy.ignore && reason !== "operator") {
    return `${vm.vm} is set to be ignored by the balancer`;
  }
  if (vm.policy.managed === false && reason !== "operator") {
    return `${vm.vm} is set not to be managed: only verbs move it`;
  }
  return null;
}

function placeRefusal(vm: RuledVm, from: HostFigures, to: HostFigures): string | null {
  if (to.host === from.host) return `${vm.vm} is already on ${to.name}`;
  const { pin, antiAffinityGroup: group } = vm.policy;
  if (pin !== null && pin !== to.name) return `${vm.vm} is pinned to ${pin}`;
  if (to.draining) return `${to.name} is draining`;
  if (group !== null && to.antiAffinityGroups.includes(group)) {
    return `${to.name} already has a VM of anti-affinity group ${group}`;
  }
  return null;
}

/** What is known to fail is not tried over and over. */
function barredRefusal(vm: RuledVm, to: HostFigures, reason: ActionReason): string | null {
  const barred = reason === "operator" ? undefined : vm.barred?.get(to.host);
  return barred === undefined ? null : `${to.name} ${barred}`;
}

function hypervisorRefusal(vm: RuledVm, from: HostFigures, to: HostFigures): string | null {
  for (const host of [from, to]) {
    const refusal = host.hypervisor.liveMigrationRefusal;
    if (refusal !== null) return `${host.name} cannot migrate live: ${refusal}`;
  }
  for (const fact of ["kind", "architecture", "accelerator"] as const) {
    const [there, here] = [to.hypervisor[fact], from.hypervisor[fact]];
    if (there !== here) return `${to.name} has ${fact} ${there}, ${from.name} has ${here}`;
  }
  // Most hosts run the same version, and parsing two is dear where thousands of pairs are weighed.
  const isSame = to.hypervisor.version === from.hypervisor.version;
  if (!isSame && compareVersions(to.hypervisor.version, from.hypervisor.version) < 0) {
    const versions = `${to.hypervisor.version} is older than ${from.hypervisor.version}`;
    return `${to.name} cannot take ${vm.vm}: its hypervisor ${versions} of ${from.name}`;
  }
  return null;
}

function roomRefusal(vm: RuledVm, to: HostFigures, memoryShareMax: number): string | null {
  if (to.freeSlotsIn <= 0) return `${to.name} is taking in another VM (no free slot)`;
  if (to.cpuCapacityCores <= 0 || to.memoryCapacityBytes <= 0) {
    return `${to.name} does not know its own capacity yet`;
  }
  const share = (to.memoryBytes + vm.memoryBytes) / to.memoryCapacityBytes;
  if (share <= memoryShareMax) return null;
  const limit = `limit ${percent(memoryShareMax)}`;
  return `${to.name} would be at ${percent(share, memoryShareMax)} of its memory (${limit})`;
}

/** Whole percents, except where rounding would hide that a value is above its limit. */
function percent(share: number, limit?: number): string {
  const whole = Math.round(share * 100);
  const hides = limit !== undefined && whole <= Math.round(limit * 100);
  return `${hides ? (Math.ceil(share * 1000) / 10).toFixed(1) : whole} %`;
}

/** Orders "10.0.2" after "9.1" by their numbers; what follows the numbers does not count. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function numbersOf(version: string): number[] {
  return (/^\d+(\.\d+)*/.exec(version)?.[0] ?? "").split(".").map(Number);
}
