import type { Extremes } from "./extremes.ts";
import type { Utilisation } from "./host-figures.ts";
import type { PlanningParams } from "./params.ts";
import type { CapacityScale } from "./potential.ts";
import { isOurs, type VmFigures } from "./vm-figures.ts";

/** An imbalance that is so many times what it was before is a new one. */
const newImbalance = 2;
/** A half-life in the form that one step of backward Euler takes. */
const ln2 = Math.LN2;

export interface PatienceInput {
  /** What the best move of the cluster may win (reachableGain). */
  readonly reachableGain: number;
  /** The level halves in this time: about as long as a move takes. */
  readonly halfLifeMs: number;
  readonly nowMs: number;
}

/**
 * Which gain is worth a move now. Where every host makes its best move at once, most moves are poor
 * ones: they take the places that better ones, whose hosts are still busy, would have filled. So a
 * host begins with moves near the best that the cluster can have and grows less choosy while moves
 * end, as a central brain does that takes the best move first. No slot of a hot host stays idle for
 * it: its moves are the best.
 *
 * That costs time, which guests that wait for a CPU do not have. Where many hosts are hot, a half-life
 * that is much shorter is the better price.
 */
export class Patience {
  readonly #startShare: number;
  #level = 0;
  #reachable = 0;
  #lastMs = Number.NEGATIVE_INFINITY;
  #halfLifeMs = 0;

  /** @param startShare the first level, as a share of the reachable gain (0..1). */
  constructor(startShare: number) {
    this.#startShare = startShare;
  }

  /** The least score of a move worth making now. Call once a look. */
  level({ reachableGain, halfLifeMs, nowMs }: PatienceInput): number {
    const start = reachableGain * this.#startShare;
    if (reachableGain > newImbalance * this.#reachable) this.#level = start;
    else {
      const elapsedMs = nowMs - this.#lastMs;
      this.#level = Math.min(start, this.#level / (1 + (ln2 * elapsedMs) / halfLifeMs));
    }
    this.#reachable = reachableGain;
    this.#lastMs = nowMs;
    this.#halfLifeMs = halfLifeMs;
    return this.#level;
  }

  /** When the level of the last look will have fallen to `score` (> 0), if nothing else changes. */
  fallsToMs(score: number): number {
    const halvings = Math.max(0, this.#level / score - 1) / ln2;
    return this.#lastMs + halvings * this.#halfLifeMs;
  }
}

/**
 * What the best move of the cluster may win, in units of the potential: one of a VM as large as the
 * largest here that its rules let go, from the most to the least utilised host. A guess that errs
 * upwards.
 */
export function reachableGain(
  { most, least }: Pick<Extremes, "most" | "least">,
  vms: readonly VmFigures[],
  options: { readonly scale: CapacityScale; readonly weights: PlanningParams["weights"] },
): number {
  const { scale, weights } = options;
  let [cpuCores, memoryBytes, networkBytesPerSecond] = [0, 0, 0];
  for (const vm of vms) {
    if (vm.policy.pin !== null || !isOurs(vm.policy)) continue;
    cpuCores = Math.max(cpuCores, vm.load.cpuCores);
    memoryBytes = Math.max(memoryBytes, vm.memoryBytes);
    networkBytesPerSecond = Math.max(networkBytesPerSecond, vm.load.networkBytesPerSecond ?? 0);
  }
  const largest: Utilisation = {
    cpu: cpuCores / scale.cpuCores,
    memory: memoryBytes / scale.memoryBytes,
    network: networkBytesPerSecond / scale.networkBytesPerSecond,
  };
  const gain = (key: keyof Utilisation) => {
    const gap = Math.max(0, most[key] - least[key]);
    const share = Math.min(largest[key], gap / 2);
    return 2 * weights[key] * share * (gap - share);
  };
  return gain("cpu") + gain("memory") + gain("network");
}
