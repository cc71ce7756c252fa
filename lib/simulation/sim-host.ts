import { sortedBy } from "../base/ordered.ts";
import type { CopyReport, CopyState } from "../model/copy.ts";
import type { MoveVerdict } from "../model/host-op.ts";
import type { MoveId, VmName } from "../model/ids.ts";
import type { VmSpec } from "../model/vm-spec.ts";
import { counterMs, hasProcess, type SimCopy } from "./sim-copy.ts";
import { SimHostError } from "./sim-host-error.ts";

/** Who changed a copy: an order of the agent, its migration stream, or a fault. */
export type CopyChangeCause = "order" | "stream" | "fault";

export interface CopyChange {
  readonly vm: VmName;
  readonly before: SimCopy | null;
  readonly after: SimCopy | null;
  readonly cause: CopyChangeCause;
}

/** The guest's memory at the moment that the source stopped it: what the stream carries. */
export interface GuestMemory {
  readonly boot: string;
  readonly ranMs: number;
}

/**
 * Model of one hypervisor host, after QEMU: at most one copy per VM, which changes only as QEMU's
 * does. It reads no clock and starts nothing by itself; its user calls the stream's transitions
 * (`beginSending` to `failSending`) when a stream would cause them. Throws SimHostError.
 */
export class SimHost {
  readonly #copies = new Map<VmName, SimCopy>();
  readonly #changed: (change: CopyChange) => void;
  #boots = 0;
  #sorted: readonly SimCopy[] | null = null;
  /** Boots of guests that run and answer nothing. */
  readonly #hung = new Set<string>();

  /** `changed` is told every change, after it happened. */
  constructor(changed: (change: CopyChange) => void = () => {}) {
    this.#changed = changed;
  }

  copy(vm: VmName): SimCopy | undefined {
    return this.#copies.get(vm);
  }

  /** All copies, in VM-name order. */
  copies(): readonly SimCopy[] {
    this.#sorted ??= sortedBy(this.#copies.values(), (copy) => copy.spec.name);
    return this.#sorted;
  }

  list(): readonly CopyReport[] {
    return this.copies().map(({ spec, state, moveId }) => ({ vm: spec.name, state, moveId }));
  }

  /** The guest's service stands still while the guest runs, also after a resume; or goes on. */
  hang(vm: VmName, hangs = true): void {
    const boot = this.#copies.get(vm)?.boot;
    if (boot === undefined) return;
    if (hangs) this.#hung.add(boot);
    else this.#hung.delete(boot);
  }

  /** True for a guest that runs and whose service answers. */
  answers(vm: VmName): boolean {
    const copy = this.#copies.get(vm);
    return copy?.state === "running" && !this.#hung.has(copy.boot);
  }

  /** Takes over what is stored elsewhere: null for no copy. Tells nobody. */
  restore(vm: VmName, copy: SimCopy | null): void {
    this.#sorted = null;
    if (copy === null) this.#copies.delete(vm);
    else this.#copies.set(vm, copy);
  }

  /** Cold boot: the guest counts from zero. */
  start(spec: VmSpec, nowMs: number): void {
    const before = this.#copies.get(spec.name);
    if (before && before.state !== "stale" && before.state !== "defined") {
      throw new SimHostError("VM_EXISTS", `${spec.name} is ${before.state} here already`);
    }
    this.#boots += 1;
    const boot = `${nowMs}.${this.#boots}`;
    this.#put({ ...emptyCopy, spec, state: "running", boot, sinceMs: nowMs });
  }

  /** Ends the guest; nothing of it is left. Succeeds when there is no process. */
  stop(vm: VmName): void {
    const copy = this.#copies.get(vm);
    if (copy && hasProcess(copy)) this.#remove(vm, "order");
  }

  suspend(spec: VmSpec, nowMs: number): void {
    const copy = this.#need(spec.name, ["running", "paused"]);
    this.#put({ ...halted(copy, nowMs), state: "suspended", moveId: null, imageUsed: false });
  }

  resume(spec: VmSpec, nowMs: number): void {
    const copy = this.#copies.get(spec.name);
    if (copy?.state === "stale") {
      throw new SimHostError("IMAGE_STALE", `the image of ${spec.name} was used up: start it anew`);
    }
    const image = this.#need(spec.name, ["suspended"]);
    this.#put({ ...image, state: "running", sinceMs: nowMs, imageUsed: true });
  }

  /** Kills the copy, if there is a process, and removes its image. Succeeds when there is nothing. */
  clear(vm: VmName): void {
    if (this.#copies.has(vm)) this.#remove(vm, "order");
  }

  /** Removes an image; a VM with a process here is refused. */
  forget(vm: VmName): void {
    const copy = this.#copies.get(vm);
    if (copy === undefined) return;
    if (hasProcess(copy)) {
      throw new SimHostError("VM_STATE", `${vm} is ${copy.state} here: stop it first`);
    }
    this.#remove(vm, "order");
  }

  /** Target: an empty, paused copy that waits for a stream. */
  prepareIncoming(moveId: MoveId, spec: VmSpec): void {
    const before = this.#copies.get(spec.name);
    if (before !== undefined) {
      throw new SimHostError("VM_EXISTS", `${spec.name} is ${before.state} here already`);
    }
    this.#put({ ...emptyCopy, spec, state: "receiving", moveId });
  }

  /** Source: the stream begins; the guest runs on. */
  beginSending(moveId: MoveId, vm: VmName): void {
    this.#put({ ...this.#need(vm, ["running"]), state: "sending", moveId });
  }

  /** Source: stops the guest to send the rest of its memory. */
  haltSending(vm: VmName, nowMs: number): GuestMemory {
    const copy = halted(this.#need(vm, ["sending"]), nowMs);
    this.#put(copy, "stream");
    return { boot: copy.boot, ranMs: copy.ranMs };
  }

  /** Target: everything has arrived, the copy is whole and paused. */
  finishReceiving(vm: VmName, memory: GuestMemory): void {
    const copy = this.#need(vm, ["receiving"]);
    this.#put({ ...copy, ...memory, state: "received" }, "stream");
  }

  /** Source: the target has acknowledged all of it; the copy stays paused. */
  finishSending(vm: VmName): void {
    this.#put({ ...this.#need(vm, ["sending"]), state: "sent" }, "stream");
  }

  /** Source: the stream broke or was cancelled; the guest runs on as if nothing had been. */
  failSending(vm: VmName, nowMs: number): void {
    const copy = this.#copies.get(vm);
    if (copy?.state !== "sending") return;
    this.#put({ ...copy, state: "running", sinceMs: copy.sinceMs ?? nowMs }, "stream");
  }

  /** Target: the stream broke before all had arrived; the hypervisor ends by itself. */
  failReceiving(vm: VmName): void {
    if (this.#copies.get(vm)?.state === "receiving") this.#remove(vm, "stream");
  }

  takeBack(moveId: MoveId, vm: VmName, nowMs: number): void {
    const copy = this.#ofMove(moveId, vm);
    if (copy.state === "running") return;
    this.#need(vm, ["sent", "paused"]);
    this.#put({ ...copy, state: "running", sinceMs: nowMs });
  }

  runIncoming(moveId: MoveId, vm: VmName, nowMs: number): void {
    const copy = this.#ofMove(moveId, vm);
    if (copy.state === "running") return;
    this.#need(vm, ["received"]);
    this.#put({ ...copy, state: "running", sinceMs: nowMs });
  }

  /** Kills the copy of this move, whatever it does. Succeeds when there is none. */
  discard(moveId: MoveId, vm: VmName): void {
    if (this.#copies.get(vm)?.moveId === moveId) this.#remove(vm, "order");
  }

  /** What is left of a move: at the target, `open` is a whole copy that never ran. */
  moveVerdict(vm: VmName): MoveVerdict {
    const state = this.#copies.get(vm)?.state;
    if (state === "running" || state === "paused") return "aborted";
    if (state === "sent" || state === "received") return "open";
    return state === "sending" || state === "receiving" ? "in-doubt" : "gone";
  }

  /** Kill -9 of the guest's process; false when there is none. */
  kill(vm: VmName): boolean {
    const copy = this.#copies.get(vm);
    if (!copy || !hasProcess(copy)) return false;
    this.#killProcess(copy);
    return true;
  }

  /** The machine loses power: no process survives, and without its disk no image does. */
  crash(diskLost: boolean): void {
    for (const copy of this.copies()) {
      if (diskLost) this.#remove(copy.spec.name, "fault");
      else if (hasProcess(copy)) this.#killProcess(copy);
    }
  }

  /** A guest that was resumed leaves its used-up image behind. */
  #killProcess(copy: SimCopy): void {
    if (!copy.imageUsed) this.#remove(copy.spec.name, "fault");
    else this.#put({ ...copy, state: "stale", moveId: null, sinceMs: null }, "fault");
  }

  #ofMove(moveId: MoveId, vm: VmName): SimCopy {
    const copy = this.#copies.get(vm);
    if (copy?.moveId !== moveId) {
      throw new SimHostError("VM_ABSENT", `there is no copy of ${vm} of move ${moveId} here`);
    }
    return copy;
  }

  #need(vm: VmName, states: readonly CopyState[]): SimCopy {
    const copy = this.#copies.get(vm);
    if (copy === undefined) throw new SimHostError("VM_ABSENT", `there is no copy of ${vm} here`);
    if (!states.includes(copy.state)) {
      const wanted = states.join(" or ");
      throw new SimHostError("VM_STATE", `${vm} is ${copy.state} here, not ${wanted}`);
    }
    return copy;
  }

  #put(after: SimCopy, cause: CopyChangeCause = "order"): void {
    const before = this.#copies.get(after.spec.name) ?? null;
    this.#copies.set(after.spec.name, after);
    this.#sorted = null;
    this.#changed({ vm: after.spec.name, before, after, cause });
  }

  #remove(vm: VmName, cause: CopyChangeCause): void {
    const before = this.#copies.get(vm) ?? null;
    this.#copies.delete(vm);
    this.#sorted = null;
    this.#changed({ vm, before, after: null, cause });
  }
}

const emptyCopy = { moveId: null, boot: "", ranMs: 0, sinceMs: null, imageUsed: false } as const;

function halted(copy: SimCopy, nowMs: number): SimCopy {
  return { ...copy, ranMs: counterMs(copy, nowMs), sinceMs: null };
}
