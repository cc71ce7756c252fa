import type { HostId, MoveId, VmName } from "../../model/ids.ts";
import { hasProcess, isWhole, type SimCopy } from "../sim-copy.ts";
import type { SimFact } from "../sim-fact.ts";
import type { Checker } from "./checker.ts";

interface Freeze {
  readonly sinceMs: number;
  /** How much of the freeze the two ends could talk, up to `seenMs`, ms. */
  talkableMs: number;
  seenMs: number;
  /** Whether they can, since then. */
  talks: boolean;
}

/**
 * A guest stands still for the end of a move only while the two ends cannot talk, and for a bound
 * of `frozenMsMax` besides: a vote, a question and its answer, a reconnection.
 */
export class FrozenBound implements Checker {
  readonly name = "frozen-bound";
  readonly facts = [
    "stepped",
    "copyChanged",
    "persisted",
    "hostCrashed",
    "agentStarted",
    "agentKilled",
    "agentPaused",
    "agentContinued",
    "linksChanged",
    "troubleChanged",
  ] as const;
  readonly #canTalk: (a: HostId, b: HostId) => boolean;
  readonly #frozenMsMax: number;
  readonly #copies = new Map<VmName, Map<HostId, SimCopy>>();
  /** The other end of each open move, by the end whose journal names it. */
  readonly #peers = new Map<MoveId, Map<HostId, HostId>>();
  readonly #freezes = new Map<VmName, Freeze>();
  /** Before this no freeze can have lasted too long. */
  #nextMs = Number.POSITIVE_INFINITY;
  /** Hosts that lost their journal: what they knew of a move nobody can tell any more. */
  readonly #diskless = new Set<HostId>();

  constructor(canTalk: (a: HostId, b: HostId) => boolean, frozenMsMax: number) {
    this.#canTalk = canTalk;
    this.#frozenMsMax = frozenMsMax;
  }

  observe(fact: SimFact, nowMs: number): string | undefined {
    if (fact.type === "copyChanged") this.#onChange(fact, nowMs);
    else if (fact.type === "persisted") this.#onPersisted(fact, nowMs);
    else if (fact.type === "hostCrashed" && fact.diskLost) this.#diskless.add(fact.host);
    if (fact.type === "stepped" || fact.type === "copyChanged" || fact.type === "persisted") {
      return nowMs < this.#nextMs ? undefined : this.#tooLong(nowMs);
    }
    // Rare: somebody can talk to others who could not, or no longer can.
    for (const vm of this.#freezes.keys()) this.#pass(vm, nowMs);
    return this.#tooLong(nowMs);
  }

  settled(): undefined {
    return undefined;
  }

  /** Judges all freezes, and finds out when to look again. */
  #tooLong(nowMs: number): string | undefined {
    this.#nextMs = Number.POSITIVE_INFINITY;
    for (const [vm, freeze] of this.#freezes) {
      this.#pass(vm, nowMs);
      if (freeze.talkableMs > this.#frozenMsMax) {
        const [frozenMs, talkableMs] = [nowMs - freeze.sinceMs, freeze.talkableMs].map(Math.round);
        return `${vm} has stood still for ${frozenMs} ms, ${talkableMs} ms of them while its ends could talk`;
      }
      this.#lookAgain(freeze, nowMs);
    }
    return undefined;
  }

  #lookAgain(freeze: Freeze, nowMs: number): void {
    if (!freeze.talks) return;
    const leftMs = this.#frozenMsMax - freeze.talkableMs;
    this.#nextMs = Math.min(this.#nextMs, nowMs + leftMs);
  }

  /** Time until now passed under what held until now. */
  #pass(vm: VmName, nowMs: number): void {
    const freeze = this.#freezes.get(vm);
    if (!freeze) return;
    if (freeze.talks) freeze.talkableMs += nowMs - freeze.seenMs;
    freeze.seenMs = nowMs;
    freeze.talks = this.#talk(vm);
    this.#lookAgain(freeze, nowMs);
  }

  #talk(vm: VmName): boolean {
    const copies = this.#copies.get(vm)?.values() ?? [];
    const ends = new Set<HostId>();
    for (const { moveId } of copies) {
      for (const pair of (moveId && this.#peers.get(moveId)) || []) {
        for (const host of pair) ends.add(host);
      }
    }
    const [a, b] = [...ends];
    if ([...ends].some((host) => this.#diskless.has(host))) return false;
    return a === undefined || b === undefined || this.#canTalk(a, b);
  }

  #onPersisted({ host, entries }: Extract<SimFact, { type: "persisted" }>, nowMs: number): void {
    for (const { key, value } of entries) {
      if (!key.startsWith("move/")) continue;
      const moveId = key.slice("move/".length);
      const peers = this.#peers.get(moveId) ?? new Map<HostId, HostId>();
      if (value === null) peers.delete(host);
      else if (!peers.has(host)) peers.set(host, (JSON.parse(value) as { peer: HostId }).peer);
      if (peers.size === 0) this.#peers.delete(moveId);
      else this.#peers.set(moveId, peers);
      this.#pass(moveId.slice(0, moveId.indexOf(".")), nowMs);
    }
  }

  #onChange({ host, change }: Extract<SimFact, { type: "copyChanged" }>, nowMs: number): void {
    const { vm, after } = change;
    this.#pass(vm, nowMs);
    const copies = this.#copies.get(vm) ?? new Map<HostId, SimCopy>();
    if (after === null) copies.delete(host);
    else copies.set(host, after);
    if (copies.size === 0) this.#copies.delete(vm);
    else this.#copies.set(vm, copies);
    const whole = [...copies.values()].filter((copy) => isWhole(copy) && hasProcess(copy));
    const frozen = whole.length > 0 && whole.every((copy) => copy.sinceMs === null);
    if (!frozen) this.#freezes.delete(vm);
    else if (!this.#freezes.has(vm)) {
      this.#freezes.set(vm, { sinceMs: nowMs, talkableMs: 0, seenMs: nowMs, talks: false });
    }
    this.#pass(vm, nowMs);
  }
}
