import type { VmName } from "../../model/ids.ts";
import { counterMs, type SimCopy } from "../sim-copy.ts";
import type { SimFact } from "../sim-fact.ts";
import type { Checker } from "./checker.ts";

/** Sums of virtual times may differ in their last digits. */
const toleranceMs = 0.001;

/** A guest that goes on goes on where it stopped: its count has no gap and no repeat. */
export class GuestContinuity implements Checker {
  readonly name = "guest-continuity";
  readonly #stopped = new Map<VmName, { readonly boot: string; readonly countMs: number }>();

  observe(fact: SimFact, nowMs: number): string | undefined {
    if (fact.type !== "copyChanged") return undefined;
    const { vm, before, after } = fact.change;
    const ran = before !== null && before.sinceMs !== null;
    const runs = after !== null && after.sinceMs !== null;
    if (ran && !runs) {
      this.#stopped.set(vm, { boot: before.boot, countMs: counterMs(before, nowMs) });
    }
    return runs && !ran ? this.#objectionTo(vm, after, nowMs) : undefined;
  }

  #objectionTo(vm: VmName, copy: SimCopy, nowMs: number): string | undefined {
    const stopped = this.#stopped.get(vm);
    const countMs = counterMs(copy, nowMs);
    if (stopped?.boot !== copy.boot) {
      return countMs === 0 ? undefined : `${vm} goes on at ${countMs} ms of an unknown boot`;
    }
    if (Math.abs(countMs - stopped.countMs) <= toleranceMs) return undefined;
    return `${vm} stopped at ${stopped.countMs} ms of its work and goes on at ${countMs} ms`;
  }

  settled(): undefined {
    return undefined;
  }
}
