import type { ServiceParams } from "./params.ts";

/** When to try again what failed: waits that double, up to a bound. */
export class Retry {
  readonly #params: Pick<ServiceParams, "retryMsMin" | "retryMsMax">;
  #failures = 0;
  #atMs: number | undefined;

  constructor(params: Pick<ServiceParams, "retryMsMin" | "retryMsMax">) {
    this.#params = params;
  }

  /** The next try comes at this time; undefined when it may come at once. */
  get atMs(): number | undefined {
    return this.#atMs;
  }

  due(nowMs: number): boolean {
    return this.#atMs === undefined || nowMs >= this.#atMs;
  }

  failed(nowMs: number): void {
    const { retryMsMin, retryMsMax } = this.#params;
    this.#atMs = nowMs + Math.min(retryMsMax, retryMsMin * 2 ** this.#failures);
    if (retryMsMin * 2 ** this.#failures < retryMsMax) this.#failures++;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#atMs = undefined;
  }
}
