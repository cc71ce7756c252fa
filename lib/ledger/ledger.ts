import { assert } from "../base/assert.ts";
import { sortedBy } from "../base/ordered.ts";
import type { MoveId, VmName } from "../model/ids.ts";

/** What a move holds on to at one end of it, until it is released. */
export interface Reservation {
  readonly moveId: MoveId;
  readonly vm: VmName;
  readonly memoryBytes: number;
  readonly cpuCores: number;
  /** 0 where it is not known. */
  readonly networkBytesPerSecond: number;
  readonly antiAffinityGroup: string | null;
  readonly affinityGroup: string | null;
  /** True for a leg of an exchange: it may use the reserve that ordinary moves leave free. */
  readonly mayUseReserve?: boolean | undefined;
}

export interface LedgerOptions {
  /** Moves that may come in at the same time. */
  readonly slotsIn: number;
  readonly slotsOut: number;
}

/**
 * A host's own book of reservations: the one place that says what is promised. A grant is made here
 * or not at all, and memory that is not there is never promised.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #in = new Map<MoveId, Reservation>();
  readonly #out = new Map<MoveId, Reservation>();
  /** Memory kept free for VMs that are to come by an exchange, by VM. */
  readonly #held = new Map<VmName, number>();
  #memory = { capacityBytes: 0, usedBytes: 0, brimBytes: 0 };

  constructor(options: LedgerOptions = { slotsIn: 1, slotsOut: 1 }) {
    this.#options = options;
  }

  /**
   * The host's memory as it is now, to be told before a grant: what there is, and what the host
   * itself and the VMs that it holds need. Reservations are not part of `usedBytes`. An exchange
   * may fill up to `brimBytes`.
   */
  memoryIs(memory: {
    readonly capacityBytes: number;
    readonly usedBytes: number;
    readonly brimBytes?: number;
  }): void {
    const { capacityBytes, usedBytes, brimBytes = capacityBytes } = memory;
    this.#memory = { capacityBytes, usedBytes, brimBytes };
  }

  /** Keeps so much free for that VM, whatever else is asked, until `unhold`. */
  hold(vm: VmName, memoryBytes: number): void {
    this.#held.set(vm, memoryBytes);
  }

  unhold(vm: VmName): void {
    this.#held.delete(vm);
  }

  /** Why `reserveIn` of this would fail, in words that follow the host's name; null when not. */
  refusalIn(asked: Pick<Reservation, "vm" | "memoryBytes" | "mayUseReserve">): string | null {
    if (this.freeSlotsIn === 0) return "is taking in another VM (no free slot)";
    const { memoryBytes, mayUseReserve } = asked;
    const { usedBytes, brimBytes } = this.#memory;
    const capacityBytes = mayUseReserve ? brimBytes : this.#memory.capacityBytes;
    const taken = usedBytes + this.reservedMemoryBytes + this.#heldFromBytes(asked.vm);
    const free = Math.max(0, capacityBytes - taken);
    return memoryBytes <= free
      ? null
      : `has ${mebibytes(free)} MiB of its ${mebibytes(capacityBytes)} MiB of memory left, ` +
          `and ${mebibytes(memoryBytes)} MiB are needed`;
  }

  /**
   * Promises a slot and memory to a VM that comes in. Throws AssertionError when there is no free
   * slot, when memory would be over-committed, or when the move holds a reservation already.
   */
  reserveIn(reservation: Reservation): void {
    const refusal = this.refusalIn(reservation);
    assert(refusal === null, `grant of ${reservation.moveId}: this host ${refusal}`);
    this.restoreIn(reservation);
  }

  /** Takes a slot for a VM that goes out. Throws AssertionError when there is none. */
  reserveOut(reservation: Reservation): void {
    assert(this.freeSlotsOut > 0, `no free slot out for ${reservation.moveId}`);
    this.restoreOut(reservation);
  }

  /**
   * Enters what the journal says was promised before a restart. It is not judged again: the promise
   * stands, whatever is free now.
   */
  restoreIn(reservation: Reservation): void {
    assert(!this.has(reservation.moveId), `${reservation.moveId} is reserved twice`);
    this.#in.set(reservation.moveId, reservation);
  }

  restoreOut(reservation: Reservation): void {
    assert(!this.has(reservation.moveId), `${reservation.moveId} is reserved twice`);
    this.#out.set(reservation.moveId, reservation);
  }

  /** Gives back what the move held. True when it held something. */
  release(moveId: MoveId): boolean {
    const wasIn = this.#in.delete(moveId);
    return this.#out.delete(moveId) || wasIn;
  }

  has(moveId: MoveId): boolean {
    return this.#in.has(moveId) || this.#out.has(moveId);
  }

  get freeSlotsIn(): number {
    return Math.max(0, this.#options.slotsIn - this.#in.size);
  }

  get freeSlotsOut(): number {
    return Math.max(0, this.#options.slotsOut - this.#out.size);
  }

  /** Memory promised to VMs that come in. */
  get reservedMemoryBytes(): number {
    return sum(this.#in, (one) => one.memoryBytes);
  }

  #heldFromBytes(vm: VmName): number {
    let bytes = 0;
    for (const [one, memoryBytes] of this.#held) if (one !== vm) bytes += memoryBytes;
    return bytes;
  }

  /** Memory that is neither used nor promised; never negative. */
  get freeMemoryBytes(): number {
    const { capacityBytes, usedBytes } = this.#memory;
    return Math.max(0, capacityBytes - usedBytes - this.reservedMemoryBytes);
  }

  get outgoingMemoryBytes(): number {
    return sum(this.#out, (one) => one.memoryBytes);
  }

  get incomingCpuCores(): number {
    return sum(this.#in, (one) => one.cpuCores);
  }

  get outgoingCpuCores(): number {
    return sum(this.#out, (one) => one.cpuCores);
  }

  /** What is promised to come in, in no particular order. */
  get incoming(): readonly Reservation[] {
    return [...this.#in.values()];
  }

  get outgoing(): readonly Reservation[] {
    return [...this.#out.values()];
  }

  get incomingNetworkBytesPerSecond(): number {
    return sum(this.#in, (one) => one.networkBytesPerSecond);
  }

  get outgoingNetworkBytesPerSecond(): number {
    return sum(this.#out, (one) => one.networkBytesPerSecond);
  }

  /** Anti-affinity groups of the VMs that come in, sorted. */
  get incomingGroups(): readonly string[] {
    const groups = [...this.#in.values()].map((one) => one.antiAffinityGroup);
    return sortedBy(
      groups.filter((group) => group !== null),
      (group) => group,
    );
  }
}

function sum(book: ReadonlyMap<MoveId, Reservation>, of: (one: Reservation) => number): number {
  let total = 0;
  for (const reservation of book.values()) total += of(reservation);
  return total;
}

function mebibytes(bytes: number): number {
  return Math.floor(bytes / 2 ** 20);
}
