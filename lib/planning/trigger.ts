import type { ActionReason } from "../model/action.ts";
import { type HostFigures, resources, type Utilisation, utilisationOf } from "./host-figures.ts";
import type { PlanningParams } from "./params.ts";

export interface TriggerInput {
  readonly self: HostFigures;
  /** What every host would have if all were level (levelUtilisation). */
  readonly mean: Utilisation;
  /** Least utilisation among the hosts that could take a VM (leastUtilisation). */
  readonly least?: Utilisation | undefined;
  /** Its guests are not measured yet: what it shows is one sample, not a figure. */
  readonly measuring?: boolean;
  readonly brokenRules: boolean;
  readonly nowMs: number;
}

/**
 * Says when a host has a reason to look for a move. Load must give it in k of the last n samples,
 * so that one sample never moves anything; draining and broken rules are facts and count at once.
 * An agent that has just started knows little of the others: it holds its first samples against what
 * it knows of them when it has measured its guests, so that it need not wait for as many again.
 */
export class Trigger {
  readonly #params: PlanningParams;
  readonly #hot: Window;
  readonly #above: Window;
  /** Own utilisation at the samples that are not judged yet. */
  #young: Utilisation[] = [];
  #reasons: ActionReason[] = [];

  constructor(params: PlanningParams) {
    this.#params = params;
    this.#hot = new Window(params.triggerSamples);
    this.#above = new Window(params.triggerSamples);
  }

  /** Call once a load sample. The weightiest reason that holds, or null. */
  observe(input: TriggerInput): ActionReason | null {
    const own = utilisationOf(input.self);
    const { triggerNeeded, triggerSamples } = this.#params;
    this.#young = [...this.#young, own].slice(-triggerSamples);
    if (input.measuring !== true) this.#judge(input);
    const hot = this.#hot.yes >= triggerNeeded;
    const above = this.#above.yes >= triggerNeeded;
    this.#reasons = [];
    if (input.self.draining) this.#reasons.push("drain");
    else if (input.brokenRules) this.#reasons.push("rule");
    if (hot) this.#reasons.push("hot");
    else if (above) this.#reasons.push("imbalance");
    return this.#reasons[0] ?? null;
  }

  /**
   * Every reason that held at the last sample, weightiest first. When no move serves the first (a
   * rule that no host can satisfy), the next gets its turn, or one VM would stop all balancing.
   */
  get reasons(): readonly ActionReason[] {
    return this.#reasons;
  }

  #judge(input: TriggerInput): void {
    const { hotShare } = this.#params;
    for (const own of this.#young) {
      this.#hot.push(resources.some((one) => own[one] > hotShare));
      this.#above.push(this.#isAbove(own, input));
    }
    this.#young = [];
  }

  #isAbove(own: Utilisation, { mean, least }: TriggerInput): boolean {
    const { marginShare, weights, gapGainsMin, gainMin } = this.#params;
    if (resources.some((one) => own[one] > mean[one] + marginShare)) return true;
    if (!least) return false;
    // Where one empty host joins many even ones, all are near the mean and yet it stands idle. The
    // best that a gap can win is half its square: by a VM of half its size.
    let gain = 0;
    for (const one of resources)
      gain += (weights[one] * Math.max(0, own[one] - least[one]) ** 2) / 2;
    return gain > gapGainsMin * gainMin;
  }
}

/** The last n yes-or-no samples. */
class Window {
  readonly #samples: boolean[] = [];
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  push(sample: boolean): void {
    this.#samples.push(sample);
    if (this.#samples.length > this.#size) this.#samples.shift();
  }

  /** How many of the last n are yes. */
  get yes(): number {
    return this.#samples.filter(Boolean).length;
  }
}
