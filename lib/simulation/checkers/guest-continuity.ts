import type { VmName } from "../../model/ids.ts";
import { counterMs, type SimCopy } from "../sim-copy.ts";
import type { SimFact } from "../sim-fact.ts";
import type { Checker } from "./checker.ts";

/** Sums of virtual times may differ in their last digits. */
const toleranceMs = 0.001;

/**
 * A guest that goes on goes on where it stopped: its count has no gap and no repeat. Only by an
 * operator's word, given in doubt about the other end, may a guest without a disk go back once.
 */
export class GuestContinuity implements Checker {
  readonly name = "guest-continuity";
  readonly facts = ["copyChanged", "stepped"] as const;
  readonly #mayGoBack = new Set<VmName>();
  readonly #stopped = new Map<VmName, { readonly boot: string; readonly countMs: number }>();

  observe(fact: SimFact, nowMs: number): string | undefined {
    if (fact.type === "stepped") this.#onStep(fact);
    if (fact.type !== "copyChanged") return undefined;
    const { vm, before, after } = fact.change;
    const ran = before !== null && before.sinceMs !== null;
    const runs = after !== null && after.sinceMs !== null;
    if (ran && !runs) {
      this.#stopped.set(vm, { boot: before.boot, countMs: counterMs(before, nowMs) });
    }
    return runs && !ran ? this.#objectionTo(vm, after, nowMs) : undefined;
  }

  #onStep({ event }: Extract<SimFact, { type: "stepped" }>): void {
    if (event.type !== "verbAsked" || event.verb.verb !== "resolve") return;
    this.#mayGoBack.add(event.verb.vm);
  }

  #objectionTo(vm: VmName, copy: SimCopy, nowMs: number): string | undefined {
    const stopped = this.#stopped.get(vm);
    const countMs = counterMs(copy, nowMs);
    if (stopped?.boot !== copy.boot) {
      return countMs === 0 ? undefined : `${vm} goes on at ${countMs} ms of an unknown boot`;
    }
    if (Math.abs(countMs - stopped.countMs) <= toleranceMs) return undefined;
    const goesBack = countMs < stopped.countMs && copy.spec.disks.length === 0;
    if (goesBack && this.#mayGoBack.delete(vm)) return undefined;
    return `${vm} stopped at ${stopped.countMs} ms of its work and goes on at ${countMs} ms`;
  }

  settled(): undefined {
    return undefined;
  }
}
