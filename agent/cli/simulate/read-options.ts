import { type FaultKind, faultKinds } from "#lib/simulation/fault-plan.ts";
import { UsageError } from "../cli-error.ts";

/** Where the cluster comes from. */
export type ScenarioSource =
  | { readonly kind: "cluster"; readonly file: string }
  | {
      readonly kind: "synthetic";
      readonly hosts: number;
      readonly vmsPerHost: number;
      readonly skew: number;
    }
  | {
      readonly kind: "trace";
      readonly file: string;
      readonly hosts: number;
      readonly speed: number;
      readonly fromSecond: number;
      /** Null for the recording's end. */
      readonly toSecond: number | null;
      /** Null for a size that suits the recording. */
      readonly hostCores: number | null;
      readonly hostMemoryGiB: number | null;
    };

export interface SimulateOptions {
  readonly source: ScenarioSource;
  /** Null for 600, or for the recording's length. */
  readonly seconds: number | null;
  readonly seed: number;
  readonly maxMoves: number | null;
  /** Null for the agents' own default. */
  readonly gainMin: number | null;
  readonly noiseShare: number;
  readonly lossShare: number;
  readonly faults: readonly FaultKind[];
  readonly bandwidthMiBps: number | null;
  readonly check: boolean;
  readonly plot: string | null;
}

type Words = Readonly<Record<string, unknown>>;

const hostsMax = 20_000;
const vmsMax = 400_000;
const secondsMax = 10_000_000;

/** Reads what was given on the command line. Throws UsageError that names the option. */
export function readSimulateOptions(words: Words): SimulateOptions {
  const source = readSource(words);
  return {
    source,
    seconds: integer(words, "seconds", 1, secondsMax),
    seed: integer(words, "seed", 0, Number.MAX_SAFE_INTEGER) ?? 1,
    maxMoves: integer(words, "max-moves", 0, Number.MAX_SAFE_INTEGER),
    gainMin: number(words, "gain-min", 0, 1_000),
    noiseShare: number(words, "noise", 0, 1) ?? 0,
    lossShare: number(words, "loss", 0, 0.95) ?? 0,
    faults: readFaults(text(words, "faults")),
    bandwidthMiBps: number(words, "bandwidth", 1, 1_000_000),
    check: words["check"] !== false,
    plot: text(words, "plot"),
  };
}

/** Which options belong to which source: any other one with it is a mistake. */
const ownOptions = {
  cluster: [],
  trace: ["hosts", "trace-speed", "from", "to", "host-cores", "host-memory-gib"],
  synthetic: ["hosts", "vms-per-host", "skew"],
} as const;

function readSource(words: Words): ScenarioSource {
  const kind = kindOf(words);
  const own: readonly string[] = ownOptions[kind];
  const foreign = Object.values(ownOptions)
    .flat()
    .find((name) => !own.includes(name) && text(words, name) !== null);
  if (foreign !== undefined) {
    const instead =
      kind === "synthetic" ? "a made-up cluster (no --cluster, no --trace)" : `--${kind}`;
    throw new UsageError(`--${foreign} does not go with ${instead}: leave one of them out`);
  }
  if (kind === "cluster") return { kind, file: text(words, "cluster") ?? "" };
  const hosts = integer(words, "hosts", 1, hostsMax);
  if (hosts === null) {
    throw new UsageError("--trace needs --hosts N: the number of hosts to put its VMs on");
  }
  return kind === "trace" ? readTraceSource(words, hosts) : readSyntheticSource(words, hosts);
}

function kindOf(words: Words): ScenarioSource["kind"] {
  const hasCluster = text(words, "cluster") !== null;
  const hasTrace = text(words, "trace") !== null;
  if (hasCluster && hasTrace) {
    throw new UsageError("--cluster and --trace exclude each other: leave one of them out");
  }
  if (hasCluster) return "cluster";
  if (hasTrace) return "trace";
  if (text(words, "hosts") !== null) return "synthetic";
  throw new UsageError(
    "say which cluster: --cluster FILE.json, --hosts N (a made-up one), or --trace FILE --hosts N",
  );
}

function readSyntheticSource(words: Words, hosts: number): ScenarioSource {
  const vmsPerHost = integer(words, "vms-per-host", 1, 1_000) ?? 10;
  if (hosts * vmsPerHost > vmsMax) {
    throw new UsageError(
      `--hosts ${hosts} --vms-per-host ${vmsPerHost}: more than ${vmsMax} VMs cannot be simulated`,
    );
  }
  return { kind: "synthetic", hosts, vmsPerHost, skew: number(words, "skew", 0, 3) ?? 1 };
}

function readTraceSource(words: Words, hosts: number): ScenarioSource {
  const fromSecond = number(words, "from", 0, 1e10) ?? 0;
  const toSecond = number(words, "to", 0, 1e10);
  if (toSecond !== null && toSecond <= fromSecond) {
    throw new UsageError(`--to ${toSecond} must be later than --from ${fromSecond}`);
  }
  return {
    kind: "trace",
    file: text(words, "trace") ?? "",
    hosts,
    speed: number(words, "trace-speed", 0.001, 10_000) ?? 1,
    fromSecond,
    toSecond,
    hostCores: number(words, "host-cores", 0.1, 4_096),
    hostMemoryGiB: number(words, "host-memory-gib", 0.1, 65_536),
  };
}

function readFaults(list: string | null): readonly FaultKind[] {
  const known = Object.keys(faultKinds) as FaultKind[];
  if (list === null) return [];
  if (list === "random") return known;
  return list.split(",").map((word) => {
    const kind = known.find((one) => one === word.trim());
    if (kind !== undefined) return kind;
    throw new UsageError(`--faults ${list}: "${word}" is none of ${known.join(", ")}, or random`);
  });
}

function integer(words: Words, name: string, min: number, max: number): number | null {
  const value = number(words, name, min, max);
  if (value === null || Number.isInteger(value)) return value;
  throw new UsageError(`--${name} ${value}: expected a whole number`);
}

function number(words: Words, name: string, min: number, max: number): number | null {
  const given = text(words, name);
  if (given === null) return null;
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(given.trim())
    ? Number(given)
    : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`--${name} ${given}: expected a number from ${min} to ${max}`);
}

/** What was given for an option; commander keeps it under its name in camel case. */
function text(words: Words, name: string): string | null {
  const value = words[name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())];
  return typeof value === "string" ? value : null;
}
