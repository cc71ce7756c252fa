import type { ServiceSpec } from "../model/service.ts";
import { NoisyDemand } from "./noisy-demand.ts";
import type { ServiceParams } from "./params.ts";

export interface ScalingInput {
  readonly spec: Pick<ServiceSpec, "running" | "target" | "settleMs">;
  /** Figures of the members that run, null where they are not known yet. */
  readonly running: readonly {
    readonly cpuShare: number | null;
    readonly sessions: number | null;
  }[];
  /** Members on their way to run. */
  readonly coming: number;
  /** Sessions that wait at the switches for a member to take them. */
  readonly queued: number;
}

type Params = Pick<ServiceParams, "settleUpShare" | "spareShare" | "calmMsMin" | "surplusCalmMs">;

/** Sessions that wait make the demand at most so many times what is measured, in one step. */
const surgeMax = 4;
/** Sums of shares have rounding errors; nobody resumes a member for one. */
const tolerance = 1e-6;

/**
 * How many members of a service should run. Up at once, by as many as the demand says; down by one
 * at a time, after a calm in which one member less would have done all along with something to
 * spare. So a load that swings within the calm changes nothing. Members that came by themselves, as
 * when the two sides of a partition meet, go sooner: the load did well without them.
 */
export class Scaling {
  readonly #params: Params;
  readonly #noisy = new NoisyDemand();
  #calmSinceMs: number | undefined;
  #up = { atMs: Number.NEGATIVE_INFINITY, to: 0 };
  #lastCount = 0;
  /** As many as were decided on here, or found at the begin: whatever is beyond came by itself. */
  #decided: number | undefined;

  constructor(params: Params) {
    this.#params = params;
  }

  /** From `min` to `max`. Call once a look. */
  wanted(input: ScalingInput, nowMs: number): number {
    const { running, settleMs } = input.spec;
    const count = input.running.length + input.coming;
    // Members that came or went by themselves, as after a partition, are no calm either.
    if (count !== this.#lastCount) this.#calmSinceMs = undefined;
    this.#lastCount = count;
    const wanted = this.#freely(input, { count, settleMs, nowMs });
    const bounded = Math.min(running.max, Math.max(running.min, wanted));
    if (this.#decided === undefined || bounded !== count) this.#decided = bounded;
    return bounded;
  }

  #freely(
    input: ScalingInput,
    { count, settleMs, nowMs }: { count: number; settleMs: number; nowMs: number },
  ): number {
    const demand = demandOf(input);
    const needed = Math.ceil(this.#lasting(input, { demand, count, nowMs }) - tolerance);
    if (needed > count) {
      this.#calmSinceMs = undefined;
      // What was resumed last needs a moment to take its part of the load.
      if (nowMs - this.#up.atMs < settleMs * this.#params.settleUpShare) {
        return Math.max(count, Math.min(this.#up.to, needed));
      }
      this.#up = { atMs: nowMs, to: needed };
      return needed;
    }
    const known = input.running.every((one) => figureOf(one, input.spec.target.kind) !== null);
    const spare = demand / (1 - this.#params.spareShare);
    const fewerDo = Math.ceil(spare - tolerance) < count;
    if (!fewerDo) this.#decided = Math.max(count, this.#decided ?? 0);
    const calm = input.coming === 0 && known && fewerDo;
    if (!calm) this.#calmSinceMs = undefined;
    else this.#calmSinceMs ??= nowMs;
    const calmMs = nowMs - (this.#calmSinceMs ?? nowMs);
    return calm && calmMs >= this.#calmMsMin(count, settleMs) ? count - 1 : count;
  }

  /** What is no mere chance of the demand: shares of CPU are smooth, and who waits does wait. */
  #lasting(
    { spec, running, queued }: ScalingInput,
    { demand, count, nowMs }: { demand: number; count: number; nowMs: number },
  ): number {
    const { target } = spec;
    if (target.kind !== "sessions") return demand;
    const sessions = sum(running.map((one) => one.sessions ?? 0)) + queued;
    const lasting = this.#noisy.demand({ sessions, perMember: target.perMember }, count, nowMs);
    return queued > 0 ? demand : lasting;
  }

  #calmMsMin(count: number, settleMs: number): number {
    const { calmMsMin, surplusCalmMs } = this.#params;
    return count > (this.#decided ?? count) ? surplusCalmMs : Math.max(settleMs, calmMsMin);
  }
}

/** How many members' worth of load there is, at the service's target. */
export function demandOf({ spec, running, queued }: ScalingInput): number {
  const { target } = spec;
  const sessions = sum(running.map((one) => one.sessions ?? 0));
  if (target.kind === "sessions") return (sessions + queued) / target.perMember;
  const demand = sum(running.map((one) => one.cpuShare ?? 0)) / target.share;
  if (queued === 0) return demand;
  // Full members look no fuller while a queue grows: the queue tells how much more there is.
  const surge = sessions > 0 ? Math.min(surgeMax, (sessions + queued) / sessions) : 1;
  return Math.max(demand * surge, running.length + 1);
}

function figureOf(
  one: ScalingInput["running"][number],
  kind: "cpuShare" | "sessions",
): number | null {
  return kind === "cpuShare" ? one.cpuShare : one.sessions;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
