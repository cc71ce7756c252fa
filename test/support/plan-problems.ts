import fc from "fast-check";
import type { PlanPlace, PlanProblem, PlanVm } from "#lib/planning/plan-problem.ts";

/** Sum of what the search makes small: factor x used², over all places and resources. */
export function potentialOf(problem: PlanProblem, at: readonly number[]): number {
  let sum = 0;
  for (const [index, use] of usesAt(problem, at).entries()) {
    const factor = problem.places[index]?.factor ?? [];
    for (const [resource, used] of use.entries()) sum += (factor[resource] ?? 0) * used * used;
  }
  return sum;
}

/** What each place uses once every VM stands where `at` says. */
export function usesAt({ places, vms }: PlanProblem, at: readonly number[]): number[][] {
  const uses = places.map((place) => [...place.used]);
  for (const [index, vm] of vms.entries()) {
    const [home, now] = [uses[vm.home], uses[at[index] ?? vm.home]];
    for (const [resource, weight] of vm.weight.entries()) {
      if (home) home[resource] = (home[resource] ?? 0) - weight;
      if (now) now[resource] = (now[resource] ?? 0) + weight;
    }
  }
  return uses;
}

/** The VMs that stand elsewhere than at home, by index. */
export function displaced({ vms }: PlanProblem, at: readonly number[]): number[] {
  return vms.flatMap((vm, index) => (at[index] === vm.home ? [] : [index]));
}

export function pricesOf(problem: PlanProblem, at: readonly number[]): number {
  return displaced(problem, at).reduce((sum, vm) => sum + (problem.vms[vm]?.price ?? 0), 0);
}

/** What the search makes small. */
export function costOf(problem: PlanProblem, at: readonly number[]): number {
  return potentialOf(problem, at) + pricesOf(problem, at);
}

/** A place of capacity 1 of both resources (CPU, memory), that uses what its VMs do. */
export function place(used: readonly number[], guardMax = 1): PlanPlace {
  return { used, factor: [1, 1], guardMax };
}

/** A VM that may go anywhere, for a small price. */
export function planVm(home: number, weight: readonly number[], price = 0.001): PlanVm {
  return { home, weight, price, mayGo: () => true };
}

/** Places of any size with VMs anywhere: CPU and memory, which is tight; some are too full of it. */
export function anyProblem({ placesMax = 6, vmsMax = 14 } = {}): fc.Arbitrary<PlanProblem> {
  const share = fc.double({ min: 0, max: 0.5, noNaN: true });
  const empty = fc.double({ min: 0, max: 0.1, noNaN: true });
  const anyPlace = fc.record({
    base: fc.tuple(share, empty),
    capacity: fc.double({ min: 0.5, max: 2, noNaN: true }),
    slack: fc.double({ min: -0.05, max: 0.3, noNaN: true }),
  });
  const anyVm = fc.record({
    home: fc.nat(),
    weight: fc.tuple(share, share),
    price: fc.double({ min: 0, max: 0.01, noNaN: true }),
    may: fc.array(fc.constantFrom(true, true, true, false), {
      minLength: placesMax,
      maxLength: placesMax,
    }),
  });
  const places = fc.array(anyPlace, { minLength: 1, maxLength: placesMax });
  return fc.tuple(places, fc.array(anyVm, { maxLength: vmsMax })).map(([hosts, list]) => {
    const vms = list.map(({ home, weight, price, may }) => ({
      ...{ home: home % hosts.length, weight, price },
      mayGo: (to: number) => may[to] === true,
    }));
    return {
      guard: 1,
      vms,
      places: hosts.map(({ base, capacity, slack }, index) => {
        const used = vms
          .filter(({ home }) => home === index)
          .reduce(
            (sum, { weight }) => sum.map((one, at) => one + (weight[at] ?? 0)),
            base as readonly number[],
          );
        const factor = [1 / capacity, 1 / capacity];
        return { used, factor, guardMax: (used[1] ?? 0) + slack };
      }),
    };
  });
}
