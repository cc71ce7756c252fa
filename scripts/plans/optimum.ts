import highsLoader from "highs";
import { mean } from "#lib/base/stats.ts";
import { type ClusterModel, type Placement, usesOf } from "#lib/simulation/cluster-model.ts";

/**
 * The best placement that a few moves can reach, by mixed-integer programming (HiGHS): what no
 * heuristic can beat. CPU only; for tens of VMs.
 *
 * x[v,h] says whether VM v is on host h; q[h] stands for the square of d[h], the host's distance from
 * the mean utilisation, from below by its tangents. Solved again with tangents at the solution's own
 * points until the squares are as good as exact.
 */

export interface Optimum {
  /** Sum over hosts of (utilisation - mean)²: the excess over all hosts being equal. */
  readonly excess: number;
  /** No placement has less: what the solver has proved. */
  readonly excessBound: number;
  readonly moves: number;
}

export interface OptimumOptions {
  readonly movesMax: number;
  /** For each of the solver's calls. */
  readonly secondsMax: number;
}

/** Its types describe the CommonJS form; Node loads the other, whose default is the function. */
const loadSolver = highsLoader as unknown as typeof highsLoader.default;

type Solve = Awaited<ReturnType<typeof loadSolver>>["solve"];

/** Tangents at first, as distances from the mean: close together where good plans end. */
const FIRST_TANGENTS = [0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5];
const PASSES_MAX = 4;
/** Of the excess: the gap that the solver may leave. */
const GAP = 0.01;
/** The tangents are as good as the squares within this, in units of utilisation squared. */
const CLOSE = 1e-5;

export async function optimumOf(model: ClusterModel, options: OptimumOptions): Promise<Optimum> {
  const { solve } = await loadSolver();
  const tangents = new Set(FIRST_TANGENTS.flatMap((distance) => [distance, -distance]));
  let best: Optimum | undefined;
  for (let pass = 0; pass < PASSES_MAX; pass++) {
    const solved = solveOnce(solve, programOf(model, options.movesMax, tangents), options);
    const placement = placementIn(model, solved.columns);
    const excess = excessOf(model, placement);
    const excessBound = Math.max(solved.bound, best?.excessBound ?? 0);
    if (best === undefined || excess < best.excess) {
      best = { excess, excessBound, moves: movesIn(model, placement) };
    } else best = { ...best, excessBound };
    if (excess - solved.objective < CLOSE) break;
    for (const distance of distancesOf(model, placement)) tangents.add(rounded(distance));
  }
  return best ?? { excess: excessOf(model), excessBound: 0, moves: 0 };
}

/** The excess of a placement, or of the model as it stands. */
export function excessOf(model: ClusterModel, placement?: Placement): number {
  let sum = 0;
  for (const distance of distancesOf(model, placement)) sum += distance ** 2;
  return sum;
}

function distancesOf(model: ClusterModel, placement?: Placement): number[] {
  const shares = usesOf(model, placement).map(
    ({ cpuCores }, index) => cpuCores / (model.hosts[index]?.cpuCapacityCores ?? 1),
  );
  const centre = mean(shares);
  return shares.map((value) => value - centre);
}

/** In CPLEX' LP format. */
function programOf(model: ClusterModel, movesMax: number, tangents: ReadonlySet<number>): string {
  const { hosts, vms } = model;
  const x = (vm: number, host: number) => `x${vm}_${host}`;
  const centre = mean(
    usesOf(model).map(({ cpuCores }, h) => cpuCores / (hosts[h]?.cpuCapacityCores ?? 1)),
  );
  const lines: string[] = [];
  for (const vm of vms.keys()) {
    lines.push(`${[...hosts.keys()].map((host) => x(vm, host)).join(" + ")} = 1`);
  }
  for (const [host, { cpuCapacityCores }] of hosts.entries()) {
    const load = vms.map((vm, index) => `${vm.cpuCores / cpuCapacityCores} ${x(index, host)}`);
    lines.push(`${load.join(" + ")} - d${host} = ${centre}`);
    for (const point of tangents)
      lines.push(`q${host} - ${2 * point} d${host} >= ${-(point ** 2)}`);
  }
  const indexOf = new Map(hosts.map(({ name }, index) => [name, index]));
  const home = vms.map((vm, index) => x(index, indexOf.get(vm.host) ?? 0));
  lines.push(`${home.join(" + ")} >= ${vms.length - movesMax}`);
  const binaries = vms.flatMap((_, vm) => hosts.map((_host, host) => x(vm, host)));
  return [
    "Minimize",
    [...hosts.keys()].map((host) => `q${host}`).join(" + "),
    "Subject To",
    ...lines.map((line) => line.replaceAll("- -", "+ ")),
    "Bounds",
    ...[...hosts.keys()].map((host) => `-1 <= d${host} <= 4`),
    "Binary",
    binaries.join("\n"),
    "End",
  ].join("\n");
}

interface Solved {
  readonly columns: Readonly<Record<string, { readonly Primal?: number }>>;
  readonly objective: number;
  readonly bound: number;
}

function solveOnce(solve: Solve, program: string, { secondsMax }: OptimumOptions): Solved {
  const solution = solve(program, { time_limit: secondsMax, mip_rel_gap: GAP });
  return {
    columns: solution.Columns as Solved["columns"],
    objective: solution.ObjectiveValue,
    // What is left of the gap at the time limit is not told: the bound then stands for nothing.
    bound: solution.Status === "Optimal" ? solution.ObjectiveValue * (1 - GAP) : 0,
  };
}

function placementIn(model: ClusterModel, columns: Solved["columns"]): Map<string, string> {
  const placement = new Map<string, string>();
  for (const [vm, { name }] of model.vms.entries()) {
    for (const [host, { name: hostName }] of model.hosts.entries()) {
      if ((columns[`x${vm}_${host}`]?.Primal ?? 0) > 0.5) placement.set(name, hostName);
    }
  }
  return placement;
}

function movesIn(model: ClusterModel, placement: Placement): number {
  return model.vms.filter((vm) => placement.get(vm.name) !== vm.host).length;
}

/** Fewer and shorter numbers for the solver. */
function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
