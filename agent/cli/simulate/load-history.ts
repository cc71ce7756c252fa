import type { BalanceProgress } from "#lib/simulation/balance-run.ts";

/** More columns than this could not be told apart in a picture. */
const columnsMax = 600;

/** How loaded each host was: so many times over a run, and at its end. */
export class LoadHistory {
  readonly seconds: number[] = [];
  /** By sample, then by host: shares of the host's capacity. */
  readonly cpu: Float32Array[] = [];
  readonly memory: Float32Array[] = [];
  readonly #strideSeconds: number;
  readonly #lastSecond: number;

  constructor(runSeconds: number, samplesMax = columnsMax) {
    this.#strideSeconds = Math.max(1, Math.ceil(runSeconds / samplesMax));
    this.#lastSecond = runSeconds;
  }

  observe({ second, cpuShares, memoryShares }: BalanceProgress): void {
    const isDue = (second - 1) % this.#strideSeconds === 0;
    if (!isDue && second !== this.#lastSecond) return;
    this.seconds.push(second);
    this.cpu.push(Float32Array.from(cpuShares));
    this.memory.push(Float32Array.from(memoryShares));
  }
}
