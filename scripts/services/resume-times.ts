/**
 * How long members take to come: from their host's word that it is resuming one, which is the
 * decision, until the switch sends it requests.
 */
export class ResumeTimes {
  readonly #beganAtMs = new Map<string, number>();
  readonly #tookMs: { readonly host: string; readonly atMs: number; readonly ms: number }[] = [];

  /** A host told that its member is in this state now; ms since 1970. */
  told(host: string, state: string, atMs: number): void {
    if (state === "resuming") this.#beganAtMs.set(host, atMs);
    // One that failed or was sent back to sleep has not come.
    else if (state !== "running") this.#beganAtMs.delete(host);
  }

  /** The switch sends the member requests; every look may say so again. */
  ready(host: string, atMs: number): void {
    const beganAtMs = this.#beganAtMs.get(host);
    if (beganAtMs === undefined) return;
    this.#beganAtMs.delete(host);
    this.#tookMs.push({ host, atMs, ms: Math.max(0, atMs - beganAtMs) });
  }

  /** True while a member is on its way. */
  get isWaiting(): boolean {
    return this.#beganAtMs.size > 0;
  }

  /** Of all that came after this moment, in their order. */
  since(atMs: number): readonly number[] {
    return this.#tookMs.filter((one) => one.atMs >= atMs).map(({ ms }) => ms);
  }
}
