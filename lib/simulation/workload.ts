import type { Prng } from "../base/prng.ts";
import type { VmName } from "../model/ids.ts";
import type { VmLoad } from "../model/load.ts";
import type { VmSpec } from "../model/vm-spec.ts";

/** What each guest asks of whatever host it runs on. */
export interface Workload {
  loadOf(spec: VmSpec, nowMs: number): VmLoad;
  /** Loads change only at multiples of this, ms; 0 or nothing where they may at any time. */
  readonly stepMs?: number;
}

export interface ConstantWorkloadOptions {
  /** CPU demand of a VM that is not named, cores. */
  readonly cpuCores: number;
  readonly byVm?: ReadonlyMap<VmName, number>;
  readonly dirtyBytesPerSecond?: number;
  readonly networkBytesPerSecond?: number;
}

/** Every guest asks for the same at all times. */
export class ConstantWorkload implements Workload {
  readonly #options: ConstantWorkloadOptions;

  constructor(options: ConstantWorkloadOptions) {
    this.#options = options;
  }

  loadOf(spec: VmSpec): VmLoad {
    return {
      cpuCores: this.#options.byVm?.get(spec.name) ?? this.#options.cpuCores,
      residentBytes: spec.memoryBytes,
      dirtyBytesPerSecond: this.#options.dirtyBytesPerSecond ?? 0,
      networkBytesPerSecond: this.#options.networkBytesPerSecond ?? null,
    };
  }
}

/** Varies another workload's CPU demand by up to `noiseShare` (0..1) either way in each sample. */
export class NoisyWorkload implements Workload {
  readonly #base: Workload;
  readonly #noiseShare: number;
  readonly #prng: Prng;

  constructor(base: Workload, noiseShare: number, prng: Prng) {
    this.#base = base;
    this.#noiseShare = noiseShare;
    this.#prng = prng;
  }

  loadOf(spec: VmSpec, nowMs: number): VmLoad {
    const load = this.#base.loadOf(spec, nowMs);
    const factor = 1 + this.#noiseShare * (2 * this.#prng.nextShare() - 1);
    return { ...load, cpuCores: load.cpuCores * factor };
  }
}
