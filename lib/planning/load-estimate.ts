import type { VmLoad } from "../model/load.ts";
import { defaultSmoothingParams, SmoothedFigure, type SmoothingParams } from "./smoothed-figure.ts";

/** A deviation of fewer samples than these says little, and a seeded figure starts with none. */
const NOISE_SAMPLES_MIN = 20;

/** The load of one VM as planning should see it: without the noise, and without haste. */
export class LoadEstimate {
  readonly #cpuCores: SmoothedFigure;
  readonly #dirtyBytesPerSecond: SmoothedFigure;
  readonly #networkBytesPerSecond: SmoothedFigure;
  #residentBytes = 0;
  #samples = 0;
  #newest: VmLoad | null = null;

  constructor(params: SmoothingParams = defaultSmoothingParams) {
    this.#cpuCores = new SmoothedFigure(params);
    this.#dirtyBytesPerSecond = new SmoothedFigure(params);
    this.#networkBytesPerSecond = new SmoothedFigure(params);
  }

  /** Takes over what the VM's last host knew, so that a moved VM is not a stranger. */
  seed(load: VmLoad, nowMs: number): void {
    this.#cpuCores.seed(load.cpuCores, nowMs);
    if (load.dirtyBytesPerSecond !== null) {
      this.#dirtyBytesPerSecond.seed(load.dirtyBytesPerSecond, nowMs);
    }
    if (load.networkBytesPerSecond !== null) {
      this.#networkBytesPerSecond.seed(load.networkBytesPerSecond, nowMs);
    }
    this.#residentBytes = load.residentBytes;
  }

  observe(load: VmLoad, nowMs: number): void {
    this.#cpuCores.observe(load.cpuCores, nowMs);
    if (load.dirtyBytesPerSecond !== null) {
      this.#dirtyBytesPerSecond.observe(load.dirtyBytesPerSecond, nowMs);
    }
    if (load.networkBytesPerSecond !== null) {
      this.#networkBytesPerSecond.observe(load.networkBytesPerSecond, nowMs);
    }
    this.#samples++;
    this.#newest = load;
    // Resident memory is counted, not sampled: the newest figure is the right one.
    this.#residentBytes = load.residentBytes;
  }

  /** Null until there are enough samples to act on. */
  value(): VmLoad | null {
    const cpuCores = this.#cpuCores.value();
    if (cpuCores === null) return null;
    return {
      cpuCores,
      residentBytes: this.#residentBytes,
      dirtyBytesPerSecond: this.#dirtyBytesPerSecond.value(),
      networkBytesPerSecond: this.#networkBytesPerSecond.value(),
    };
  }

  /** The last sample as it was: not enough to act on. Null before the first. */
  get newest(): VmLoad | null {
    return this.#newest;
  }

  /** It has samples, and not enough of them to act on. */
  get isYoung(): boolean {
    return this.#newest !== null && this.value() === null;
  }

  /** How noisy the CPU samples are: mean deviation over mean; undefined until it can be told. */
  get cpuNoiseShare(): number | undefined {
    return this.#samples >= NOISE_SAMPLES_MIN ? this.#cpuCores.noiseShare() : undefined;
  }
}
