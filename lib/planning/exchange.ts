import { compareText } from "../base/ordered.ts";
import type { HostId, VmName } from "../model/ids.ts";
import { costOf } from "./action-cost.ts";
import { scoreNeeded } from "./candidates.ts";
import type { HostFigures } from "./host-figures.ts";
import type { PlanningParams } from "./params.ts";
import { type CapacityScale, gainOf, type VmWeight } from "./potential.ts";
import { type RuledVm, standingRefusal, swapShareMax } from "./rules.ts";
import { mayLeave, type VmFigures } from "./vm-figures.ts";

/**
 * Where memory is too tight for any single move, two VMs change places: a dear, busy one for one of
 * like memory that does little. The memory that the ordinary limit keeps free is the room in which
 * they pass each other: at one of the two hosts, or, where there is too little of it, at a third.
 */

/** One move of an exchange. The next begins when it has ended. */
export interface Leg {
  readonly vm: VmName;
  readonly from: HostId;
  readonly to: HostId;
}

export interface Exchange {
  /** The VM of the host that looks. */
  readonly give: VmFigures;
  readonly partner: HostFigures;
  readonly take: VmFigures;
  readonly legs: readonly Leg[];
  readonly gain: number;
  /** Of all legs. */
  readonly cost: number;
}

export interface ExchangeOptions {
  readonly self: HostFigures;
  readonly vms: readonly VmFigures[];
  /** Hosts to exchange with. */
  readonly others: readonly HostFigures[];
  /** Hosts that may hold a VM for the moment; the others where absent. */
  readonly thirds?: readonly HostFigures[] | undefined;
  /** VMs of another host, as it gossips them; none where they are not known. */
  readonly vmsOf: (host: HostFigures) => readonly VmFigures[];
  readonly nowMs: number;
  readonly scale: CapacityScale;
  readonly params: PlanningParams;
}

/** Bounds the pairs that are weighed: the busiest VMs here against the idlest there. */
const vmsPerHostMax = 48;

/** The exchange that wins most, after the cost of all its legs; null where none wins enough. */
export function bestExchange(options: ExchangeOptions): Exchange | null {
  const busiest = byCpu(options.vms.filter((vm) => mayLeave(vm, options.nowMs))).reverse();
  let best: Exchange | null = null;
  for (const partner of options.others) {
    const idlest = byCpu(options.vmsOf(partner).filter((vm) => mayLeave(vm, options.nowMs)));
    for (const give of busiest.slice(0, vmsPerHostMax)) {
      for (const take of idlest.slice(0, vmsPerHostMax)) {
        const found = weigh({ give, take, partner, beat: best }, options);
        if (found) best = found;
      }
    }
  }
  return best;
}

interface Pair {
  readonly give: VmFigures;
  readonly take: VmFigures;
  readonly partner: HostFigures;
  readonly beat: Exchange | null;
}

function weigh({ give, take, partner, beat }: Pair, options: ExchangeOptions): Exchange | null {
  const { self, params } = options;
  const gain = pairGain({ give, take, from: self, to: partner }, options);
  const costs = { give: costOf(give.load, params), take: costOf(take.load, params) };
  // What a single move must win, and the doubt about both loads.
  const least = scoreNeeded(give, options) + scoreNeeded(take, options) - params.gainMin;
  const toBeat = Math.max(least, beat ? beat.gain - beat.cost : 0);
  // The cheapest way costs one transfer of each: most pairs end here.
  if (gain - costs.give - costs.take <= toBeat) return null;
  if (!fitsAfter(self, take.memoryBytes - give.memoryBytes, params)) return null;
  if (!fitsAfter(partner, give.memoryBytes - take.memoryBytes, params)) return null;
  const rules = { reason: "swap", memoryShareMax: params.memoryShareMax } as const;
  if (standingRefusal(give, self, partner, rules) !== null) return null;
  if (standingRefusal(take, partner, self, rules) !== null) return null;
  const legs =
    directLegs(give, take, self, partner) ?? legsByThird({ give, take, partner }, options);
  if (legs === null) return null;
  const cost = legs.reduce((sum, { vm }) => sum + (vm === give.vm ? costs.give : costs.take), 0);
  return gain - cost > toBeat ? { give, take, partner, legs, gain, cost } : null;
}

/** How far the potential falls when the two change places; their difference is what moves. */
export function pairGain(
  pair: {
    readonly give: VmWeight;
    readonly take: VmWeight;
    readonly from: HostFigures;
    readonly to: HostFigures;
  },
  { scale, params }: { readonly scale: CapacityScale; readonly params: PlanningParams },
): number {
  const { give, take } = pair;
  const [mine, other] = [give.load.networkBytesPerSecond, take.load.networkBytesPerSecond];
  const difference: VmWeight = {
    memoryBytes: give.memoryBytes - take.memoryBytes,
    load: {
      cpuCores: give.load.cpuCores - take.load.cpuCores,
      networkBytesPerSecond: (mine ?? 0) - (other ?? 0),
    },
  };
  return gainOf(difference, pair.from, pair.to, { scale, weights: params.weights });
}

/** Memory must be no tighter afterwards than the limit says, or than it was. */
export function fitsAfter(
  host: HostFigures,
  moreBytes: number,
  { memoryShareMax }: Pick<PlanningParams, "memoryShareMax">,
): boolean {
  const limit = host.memoryCapacityBytes * memoryShareMax;
  const after = host.memoryBytes + moreBytes;
  return after <= Math.max(limit, Math.min(host.memoryBytes, brimOf(host)));
}

/** What an exchange may fill for the moment that it takes. */
function brimOf(host: HostFigures): number {
  return host.memoryCapacityBytes * swapShareMax;
}

/** Two moves, where either host has room for both VMs at once; the smaller one goes first. */
function directLegs(
  give: VmFigures,
  take: VmFigures,
  self: HostFigures,
  partner: HostFigures,
): readonly Leg[] | null {
  const there = { vm: give.vm, from: self.host, to: partner.host };
  const back = { vm: take.vm, from: partner.host, to: self.host };
  if (hasRoom(partner, give)) return [there, back];
  return hasRoom(self, take) ? [back, there] : null;
}

/** Three moves: the one with less to transfer goes round by a third host that has room for it. */
function legsByThird(
  { give, take, partner }: Pick<Pair, "give" | "take" | "partner">,
  options: ExchangeOptions,
): readonly Leg[] | null {
  const { self } = options;
  const around = give.load.residentBytes < take.load.residentBytes ? [give, take] : [take, give];
  for (const vm of around) {
    const [from, to] = vm === give ? [self, partner] : [partner, self];
    const other = vm === give ? take : give;
    const third = thirdHost({ vm, from, to }, options);
    if (third) {
      return [
        { vm: vm.vm, from: from.host, to: third.host },
        { vm: other.vm, from: to.host, to: from.host },
        { vm: vm.vm, from: third.host, to: to.host },
      ];
    }
  }
  return null;
}

/** The host with most memory free that may hold the VM for a while and can give it on. */
function thirdHost(
  way: { readonly vm: VmFigures; readonly from: HostFigures; readonly to: HostFigures },
  { others, thirds = others, params }: ExchangeOptions,
): HostFigures | null {
  const rules = { reason: "swap", memoryShareMax: params.memoryShareMax } as const;
  const free = (host: HostFigures) => brimOf(host) - host.memoryBytes;
  let best: HostFigures | null = null;
  for (const host of thirds) {
    if (host.host === way.from.host || host.host === way.to.host || host.freeSlotsIn <= 0) continue;
    if (!hasRoom(host, way.vm) || (best && free(host) <= free(best))) continue;
    if (standingRefusal(way.vm, way.from, host, rules) !== null) continue;
    if (standingRefusal(way.vm, host, way.to, rules) === null) best = host;
  }
  return best;
}

function hasRoom(host: HostFigures, vm: RuledVm): boolean {
  return host.memoryBytes + vm.memoryBytes <= brimOf(host);
}

function byCpu(vms: readonly VmFigures[]): VmFigures[] {
  return [...vms].sort((a, b) => a.load.cpuCores - b.load.cpuCores || compareText(a.vm, b.vm));
}

/** True when some single move would win enough, had its target the memory, and none has it. */
export function onlyMemoryIsShort(options: Omit<ExchangeOptions, "vmsOf">): boolean {
  const serving = options.vms
    .filter((vm) => mayLeave(vm, options.nowMs))
    .flatMap((vm) => options.others.map((to) => ({ vm, to, fits: fitsThere(vm, to, options) })))
    .filter((single) => wouldServe(single, options));
  return serving.length > 0 && !serving.some(({ fits }) => fits);
}

function fitsThere(
  vm: VmFigures,
  to: HostFigures,
  { params }: Pick<ExchangeOptions, "params">,
): boolean {
  return to.memoryBytes + vm.memoryBytes <= to.memoryCapacityBytes * params.memoryShareMax;
}

function wouldServe(
  { vm, to, fits }: { readonly vm: VmFigures; readonly to: HostFigures; readonly fits: boolean },
  options: Omit<ExchangeOptions, "vmsOf">,
): boolean {
  const { self, params, scale } = options;
  // What a full target has in memory must not hide what it could take of the rest.
  const weight = fits ? vm : { ...vm, memoryBytes: 0 };
  const gain = gainOf(weight, self, to, { scale, weights: params.weights });
  if (gain < costOf(vm.load, params) + scoreNeeded(vm, options)) return false;
  const rules = { reason: "imbalance", memoryShareMax: params.memoryShareMax } as const;
  return standingRefusal(vm, self, to, rules) === null;
}
