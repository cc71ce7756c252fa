import type { HostId, MoveId, VmName } from "../../model/ids.ts";
import { hasProcess, isWhole, type SimCopy } from "../sim-copy.ts";
import type { SimFact } from "../sim-fact.ts";
import type { Checker } from "./checker.ts";

interface Freeze {
  readonly sinceMs: number;
  /** How much of the freeze the two ends could talk, ms. */
  talkableMs: number;
  seenMs: number;
}

/**
 * A guest stands still for the end of a move only while the two ends cannot talk, and for a bound
 * of `frozenMsMax` besides: a vote, a question and its answer, a reconnection.
 */
export class FrozenBound implements Checker {
  readonly name = "frozen-bound";
  readonly #canTalk: (a: HostId, b: HostId) => boolean;
  readonly #frozenMsMax: number;
  readonly #copies = new Map<VmName, Map<HostId, SimCopy>>();
  readonly #ends = new Map<MoveId, Set<HostId>>();
  readonly #freezes = new Map<VmName, Freeze>();
  /** Hosts that lost their journal: what they knew of a move nobody can tell any more. */
  readonly #diskless = new Set<HostId>();

  constructor(canTalk: (a: HostId, b: HostId) => boolean, frozenMsMax: number) {
    this.#canTalk = canTalk;
    this.#frozenMsMax = frozenMsMax;
  }

  observe(fact: SimFact, nowMs: number): string | undefined {
    // Time until now passed under what held before this fact.
    for (const vm of [...this.#freezes.keys()]) {
      const objection = this.#pass(vm, nowMs);
      if (objection !== undefined) return objection;
    }
    if (fact.type === "copyChanged") this.#onChange(fact, nowMs);
    else if (fact.type === "persisted") this.#onPersisted(fact);
    else if (fact.type === "hostCrashed" && fact.diskLost) this.#diskless.add(fact.host);
    return undefined;
  }

  settled(): undefined {
    return undefined;
  }

  #pass(vm: VmName, nowMs: number): string | undefined {
    const freeze = this.#freezes.get(vm);
    if (!freeze) return undefined;
    const passedMs = nowMs - freeze.seenMs;
    freeze.seenMs = nowMs;
    if (this.#talk(vm)) freeze.talkableMs += passedMs;
    if (freeze.talkableMs <= this.#frozenMsMax) return undefined;
    const frozenMs = Math.round(nowMs - freeze.sinceMs);
    return `${vm} has stood still for ${frozenMs} ms, ${Math.round(freeze.talkableMs)} ms of them while its ends could talk`;
  }

  #talk(vm: VmName): boolean {
    const copies = this.#copies.get(vm)?.values() ?? [];
    const ends = new Set<HostId>();
    for (const { moveId } of copies) {
      for (const host of (moveId && this.#ends.get(moveId)) || []) ends.add(host);
    }
    const [a, b] = [...ends];
    if ([...ends].some((host) => this.#diskless.has(host))) return false;
    return a === undefined || b === undefined || this.#canTalk(a, b);
  }

  #onPersisted({ host, entries }: Extract<SimFact, { type: "persisted" }>): void {
    for (const { key, value } of entries) {
      if (!key.startsWith("move/") || value === null) continue;
      const { peer } = JSON.parse(value) as { peer: HostId };
      this.#ends.set(key.slice(5), new Set([host, peer].sort()));
    }
  }

  #onChange({ host, change }: Extract<SimFact, { type: "copyChanged" }>, nowMs: number): void {
    const copies = this.#copies.get(change.vm) ?? new Map<HostId, SimCopy>();
    this.#copies.set(change.vm, copies);
    if (change.after === null) copies.delete(host);
    else copies.set(host, change.after);
    const whole = [...copies.values()].filter((copy) => isWhole(copy) && hasProcess(copy));
    const frozen = whole.length > 0 && whole.every((copy) => copy.sinceMs === null);
    if (!frozen) this.#freezes.delete(change.vm);
    else if (!this.#freezes.has(change.vm)) {
      this.#freezes.set(change.vm, { sinceMs: nowMs, talkableMs: 0, seenMs: nowMs });
    }
  }
}
