/** A placement problem on paper: what the search of plan-search.ts is given. */

/** One host on paper: what it uses of each resource, and how much one unit² of that weighs. */
export interface PlanPlace {
  /** Projected use by resource, in the resource's own unit. */
  readonly used: readonly number[];
  /** Weight of used² in the potential, by resource: weight / (capacity x mean capacity). */
  readonly factor: readonly number[];
  /** Most that the guarded resource (memory) may reach by moves. */
  readonly guardMax: number;
}

/** One VM on paper. */
export interface PlanVm {
  /** Index of the place where it is. */
  readonly home: number;
  /** What it uses by resource. */
  readonly weight: readonly number[];
  /** What a plan that displaces it must win for that, in units of the potential. */
  readonly price: number;
  /** Whether it may be put there; its home is never asked for. */
  readonly mayGo: (place: number) => boolean;
}

export interface PlanProblem {
  readonly places: readonly PlanPlace[];
  readonly vms: readonly PlanVm[];
  /** Index of the resource that must fit: memory. */
  readonly guard: number;
}
