import { sortedBy } from "../base/ordered.ts";
import { type CopyReport, type CopyState, copyRuns } from "../model/copy.ts";
import type { MoveId, VmName } from "../model/ids.ts";
import type { VmLoad } from "../model/load.ts";
import type { DesiredState, OwnedVm, VmEntry, VmState } from "../model/vm.ts";
import type { VmSpec } from "../model/vm-spec.ts";
import { LoadEstimate } from "../planning/load-estimate.ts";
import type { VmFigures } from "../planning/vm-figures.ts";
import { MemberGuests } from "./member-guests.ts";
import { RefusalMemory } from "./refusal-memory.ts";

/** What an operator's verb is doing to a guest at this moment. */
export type GuestAction = "starting" | "stopping" | "suspending" | "resuming" | "forgetting";

/** A VM that this host owns. */
export interface Guest {
  owned: OwnedVm;
  copy: CopyState | null;
  /** Why no host can take its copy, as the hypervisor says; null when some may. */
  obstacle: string | null;
  /** Bytes of local disks that a move copies along. */
  copiedBytes: number;
  estimate: LoadEstimate;
  action: GuestAction | null;
  /** The verb that waits for the action's end; null for the agent's own. */
  requestId: string | null;
  /** Its only copy vanished while it should have run. */
  lost: boolean;
  /** Lists in a row without a copy that should be there: one may have been read too early. */
  missing: number;
  cooldownUntilMs: number;
  lastMoveMs: number | undefined;
  /** Its last move, while it runs here and the other end has not confirmed that. */
  unclosedMove: MoveId | null;
  /** Moves in a row that failed: each makes the VM rest longer before the next try. */
  failedMoves: number;
  /** What the host's own shutdown makes of it: it is to leave by a move, or to end here. */
  parting: "leaves" | "ends" | null;
  /** Why the policy that the hypervisor shows of it cannot be read; null when it can. */
  policyProblem: string | null;
}

/** What a move says of the guest that it concerns. */
export interface MoveOfGuest {
  readonly moveId: string;
  readonly target: string;
  readonly state: VmState;
}

/** All guests that this host owns, and what its hypervisor shows of them. */
export class GuestTable {
  /** Members of services: they take memory and CPU, and nobody moves them. */
  readonly members = new MemberGuests();
  /** What other hosts answered when they were asked to take a guest. */
  readonly refusals = new RefusalMemory();
  readonly #guests = new Map<VmName, Guest>();
  #strays: readonly CopyReport[] = [];
  /** Memory of copies that were given away and are not discarded yet, bytes. */
  readonly #departing = new Map<VmName, number>();
  #sorted: readonly Guest[] | null = null;

  get(vm: VmName): Guest | undefined {
    return this.#guests.get(vm);
  }

  /** In name order. */
  all(): readonly Guest[] {
    this.#sorted ??= sortedBy(this.#guests.values(), (guest) => guest.owned.spec.name);
    return this.#sorted;
  }

  get size(): number {
    return this.#guests.size;
  }

  /** A copy of a VM that is no longer owned is still there: it takes memory until it is gone. */
  departs(vm: VmName, memoryBytes: number): void {
    this.#departing.set(vm, memoryBytes);
  }

  get departingMemoryBytes(): number {
    let bytes = 0;
    for (const memoryBytes of this.#departing.values()) bytes += memoryBytes;
    return bytes;
  }

  /** Copies that the hypervisor shows and that neither an owner record nor a move explains. */
  get strays(): readonly CopyReport[] {
    return this.#strays;
  }

  own(owned: OwnedVm, load: VmLoad | null, nowMs: number): Guest {
    const known = this.#guests.get(owned.spec.name);
    if (known) {
      known.owned = owned;
      return known;
    }
    const estimate = new LoadEstimate();
    if (load) estimate.seed(load, nowMs);
    const guest: Guest = {
      owned,
      copy: null,
      obstacle: null,
      copiedBytes: 0,
      estimate,
      action: null,
      requestId: null,
      lost: false,
      missing: 0,
      cooldownUntilMs: 0,
      lastMoveMs: undefined,
      unclosedMove: null,
      failedMoves: 0,
      parting: null,
      policyProblem: null,
    };
    this.#guests.set(owned.spec.name, guest);
    this.#sorted = null;
    return guest;
  }

  disown(vm: VmName): void {
    const guest = this.#guests.get(vm);
    if (guest && hasMemory(guest.copy)) this.departs(vm, guest.owned.spec.memoryBytes);
    this.#guests.delete(vm);
    this.#sorted = null;
  }

  /**
   * Takes the hypervisor's full list. Returns the guests that should run, or be suspended, and have
   * no copy, and the strays that were not there before.
   */
  list(
    copies: readonly CopyReport[],
    explained: (copy: CopyReport) => boolean,
  ): { absent: readonly Guest[]; newStrays: readonly CopyReport[] } {
    const reports = new Map(copies.map((copy) => [copy.vm, copy]));
    for (const vm of [...this.#departing.keys()]) {
      if (this.#guests.has(vm) || !hasMemory(reports.get(vm)?.state ?? null))
        this.#departing.delete(vm);
    }
    const absent: Guest[] = [];
    for (const guest of this.all()) {
      takeReport(guest, reports.get(guest.owned.spec.name));
      if (hasMemory(guest.copy)) guest.lost = false;
      // A stale image is what a resumed guest leaves behind when its process is killed.
      const lives = hasMemory(guest.copy) || guest.copy === "suspended";
      if (!lives && isMissed(guest)) absent.push(guest);
      else guest.missing = 0;
    }
    const strays = copies.filter((copy) => isOurs(copy) && !explained(copy));
    const known = new Set(this.#strays.map((copy) => copy.vm));
    this.#strays = strays;
    return { absent, newStrays: strays.filter((copy) => !known.has(copy.vm)) };
  }
}

/** True when the guest should live: what nobody manages, and what its host's end ends, may not. */
function isMissed({ owned, parting }: Guest): boolean {
  return owned.desired !== "stopped" && owned.spec.policy.managed !== false && parting === null;
}

function takeReport(guest: Guest, report: CopyReport | undefined): void {
  guest.copy = report?.state ?? null;
  guest.obstacle = report?.obstacle ?? null;
  guest.copiedBytes = report?.copiedBytes ?? 0;
}

/** What lives in memory here because evenkeel once had it do so. */
function isOurs({ state, foreign }: CopyReport): boolean {
  return hasMemory(state) && foreign !== true;
}

/** True for a copy that lives in memory, running or paused. */
export function hasMemory(copy: CopyState | null): boolean {
  return copy !== null && copy !== "suspended" && copy !== "stale" && copy !== "defined";
}

/** True for a copy that a verb may end: one of a move is the move's. */
export function copyAllowsEnding(copy: CopyState | null): boolean {
  return copy === "running" || copy === "paused";
}

/** The state to show, from what is known; a move says more than the copy does. */
export function stateOfGuest(guest: Guest, move: MoveOfGuest | undefined): VmState {
  if (move) return move.state;
  if (guest.action === "starting") return "starting";
  if (guest.action === "suspending") return "suspending";
  if (guest.action === "resuming") return "resuming";
  if (guest.copy === null || !hasMemory(guest.copy)) {
    if (guest.copy === "suspended") return "suspended";
    return guest.lost ? "lost" : "stopped";
  }
  return copyRuns(guest.copy) ? "running" : "paused";
}

/** Why the balancer cannot move it now, in words; null when it can. */
export function immovableReason(guest: Guest, move: MoveOfGuest | undefined): string | null {
  if (move) return `it has an unfinished move (${move.moveId})`;
  // Until then that host may be told by an operator that this one is off, and run it there.
  if (guest.unclosedMove !== null) {
    return `the other end of its last move has not confirmed that it runs here (${guest.unclosedMove})`;
  }
  if (guest.action !== null) return `it is ${guest.action}`;
  if (guest.parting === "ends") return "its host shuts down, and its policy is not to migrate";
  // Its admin wants something of it, and what is not known: staying breaks the fewest wishes.
  if (guest.policyProblem !== null) return guest.policyProblem;
  if (guest.copy === null || !copyRuns(guest.copy)) {
    return `it is ${stateOfGuest(guest, move)}, and only running VMs move`;
  }
  if (guest.obstacle !== null) return guest.obstacle;
  if (guest.estimate.value() === null) return "its load has not been measured for long enough";
  return null;
}

export function entryOfGuest(guest: Guest, move: MoveOfGuest | undefined): VmEntry {
  const { spec, version } = guest.owned;
  return {
    name: spec.name,
    version,
    state: stateOfGuest(guest, move),
    vcpus: spec.vcpus,
    memoryBytes: spec.memoryBytes,
    load: guest.estimate.value(),
    policy: spec.policy,
    move: move?.moveId ?? null,
    moveTarget: move?.target ?? null,
    immovable: immovableReason(guest, move),
  };
}

/** What the planner sees of a guest; a load that is not known yet counts as nothing. */
export function figuresOfGuest(guest: Guest, move: MoveOfGuest | undefined): VmFigures {
  const { spec } = guest.owned;
  return {
    vm: spec.name,
    load: withCopies(guest.estimate.value() ?? restingLoad(spec), guest.copiedBytes),
    cpuNoiseShare: guest.estimate.cpuNoiseShare,
    memoryBytes: spec.memoryBytes,
    policy: spec.policy,
    immovable: immovableReason(guest, move),
    cooldownUntilMs: guest.cooldownUntilMs,
  };
}

function restingLoad(spec: VmSpec): VmLoad {
  const { memoryBytes: residentBytes } = spec;
  return { cpuCores: 0, residentBytes, dirtyBytesPerSecond: null, networkBytesPerSecond: null };
}

/** The planner's price counts what flows, be it memory or disk. */
function withCopies(load: VmLoad, copiedBytes: number): VmLoad {
  return copiedBytes === 0 ? load : { ...load, copiedBytes };
}

export function newOwnedVm(spec: VmSpec, version: number, desired: DesiredState): OwnedVm {
  return { spec, version, desired, recentMoves: 0 };
}
