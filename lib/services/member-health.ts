import type { ServiceParams } from "./params.ts";

/** What may happen to the health of a member. */
export type HealthInput =
  /** It serves: it is asked from now on. */
  | { readonly type: "serves" }
  /** It serves no more: what was asked counts for nothing. */
  | { readonly type: "rests" }
  | { readonly type: "timeout" }
  /** The end of the one question under way; `problem` null for a good answer. */
  | { readonly type: "answered"; readonly problem: string | null };

/** `ask` it once; it `fell`, or is well again (`rose`). */
export type HealthOrder = "ask" | "fell" | "rose";

type Params = Pick<ServiceParams, "healthEveryMs" | "healthMissesMax">;

/**
 * Whether a member that runs serves: asked about once a second, never two questions at a time. A
 * single slow or lost answer says little, so it takes several misses in a row to fall, and one good
 * answer to rise.
 */
export class MemberHealth {
  readonly #params: Params;
  #serves = false;
  /** A question is under way, and since when. */
  #askedMs: number | undefined;
  /** The answer that is on its way is about an earlier run of the member. */
  #isOldAnswer = false;
  #askAtMs = 0;
  #misses = 0;
  #fell: { readonly sinceMs: number } | undefined;
  #problem = "";

  constructor(params: Params) {
    this.#params = params;
  }

  /** When to call `handle` with a timeout; undefined while nothing is to be asked. */
  get nextTimeoutMs(): number | undefined {
    return this.#serves && this.#askedMs === undefined ? this.#askAtMs : undefined;
  }

  /** Since when it has been known to fail; undefined for one that is well, as far as is known. */
  get fallenSinceMs(): number | undefined {
    return this.#fell?.sinceMs;
  }

  /** What it failed with last, in words; "" for one that is well. */
  get problem(): string {
    return this.#fell ? this.#problem : "";
  }

  handle(input: HealthInput, nowMs: number): HealthOrder | null {
    switch (input.type) {
      case "serves":
        if (!this.#serves) this.#begin(true, nowMs);
        return null;
      case "rests":
        if (this.#serves) this.#begin(false, nowMs);
        return null;
      case "timeout":
        return this.#ask(nowMs);
      case "answered":
        return this.#answered(input.problem, nowMs);
    }
  }

  #begin(serves: boolean, nowMs: number): void {
    this.#serves = serves;
    this.#isOldAnswer = this.#askedMs !== undefined;
    this.#askAtMs = nowMs + this.#params.healthEveryMs;
    this.#misses = 0;
    this.#fell = undefined;
  }

  #ask(nowMs: number): "ask" | null {
    const atMs = this.nextTimeoutMs;
    if (atMs === undefined || nowMs < atMs) return null;
    this.#askedMs = nowMs;
    this.#isOldAnswer = false;
    return "ask";
  }

  #answered(problem: string | null, nowMs: number): "fell" | "rose" | null {
    const askedMs = this.#askedMs ?? nowMs;
    this.#askedMs = undefined;
    if (!this.#serves || this.#isOldAnswer) return null;
    this.#askAtMs = Math.max(nowMs, askedMs + this.#params.healthEveryMs);
    if (problem === null) return this.#rise();
    this.#problem = problem;
    this.#misses += 1;
    if (this.#fell || this.#misses < this.#params.healthMissesMax) return null;
    this.#fell = { sinceMs: nowMs };
    return "fell";
  }

  #rise(): "rose" | null {
    const had = this.#fell !== undefined;
    this.#misses = 0;
    this.#fell = undefined;
    return had ? "rose" : null;
  }
}
