import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { gunzipSync } from "node:zlib";
import { readClusterFile } from "#lib/simulation/cluster-file.ts";
import type { ClusterModel } from "#lib/simulation/cluster-model.ts";
import { SimulationInputError } from "#lib/simulation/input-error.ts";
import { syntheticCluster } from "#lib/simulation/synthetic-cluster.ts";
import { readTrace } from "#lib/simulation/traces/read-trace.ts";
import { traceCluster } from "#lib/simulation/traces/trace-cluster.ts";
import { TraceWorkload } from "#lib/simulation/traces/trace-workload.ts";
import { vmAliases } from "#lib/simulation/vm-aliases.ts";
import type { Workload } from "#lib/simulation/workload.ts";
import { UsageError } from "../cli-error.ts";
import type { ScenarioSource, SimulateOptions } from "./read-options.ts";

/** What is run: a cluster, loads that change if there are such, and for how long. */
export interface Scenario {
  /** For people: "c20.json". */
  readonly title: string;
  readonly model: ClusterModel;
  readonly workload: Workload | null;
  readonly seconds: number;
  /** Recorded seconds in one second of the run; 1 unless a recording is replayed faster. */
  readonly speed: number;
}

const fileBytesMax = 2 ** 30;
const defaultSeconds = 600;

/** Reads or makes up the cluster. Throws UsageError that names the file, the place and the remedy. */
export function loadScenario(options: SimulateOptions): Scenario {
  const { source, seed } = options;
  const seconds = options.seconds ?? defaultSeconds;
  if (source.kind === "trace") return traceScenario(source, options);
  if (source.kind === "synthetic") {
    const model = syntheticCluster({ ...source, seed });
    return { title: "made up", model, workload: null, seconds, speed: 1 };
  }
  const { file } = source;
  const model = named(file, () => readClusterFile(textOf(readBytes(file))));
  return { title: basename(file), model, workload: null, seconds, speed: 1 };
}

function traceScenario(
  source: Extract<ScenarioSource, { kind: "trace" }>,
  options: SimulateOptions,
): Scenario {
  const { file, hosts, speed, fromSecond, hostCores, hostMemoryGiB } = source;
  return named(file, () => {
    const trace = readTrace(readBytes(file), textOf);
    if (fromSecond >= trace.seconds) {
      throw new SimulationInputError(
        `--from ${fromSecond} is beyond its end: it has ${trace.seconds} seconds`,
      );
    }
    const model = traceCluster({
      trace,
      hosts,
      fromSecond,
      ...(hostCores === null ? {} : { hostCores }),
      ...(hostMemoryGiB === null ? {} : { hostMemoryBytes: Math.round(hostMemoryGiB * 2 ** 30) }),
    });
    const indexOf = new Map([...vmAliases(model.vms).keys()].map((alias, index) => [alias, index]));
    const workload = new TraceWorkload({ trace, indexOf, fromSecond, speed });
    const toSecond = Math.min(trace.seconds, source.toSecond ?? trace.seconds);
    const whole = Math.max(1, Math.ceil((toSecond - fromSecond) / speed));
    const seconds = options.seconds ?? whole;
    return { title: basename(file), model, workload, seconds, speed };
  });
}

/** Puts the file's name before what is wrong with it. */
function named<Value>(file: string, read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof SimulationInputError)) throw cause;
    throw new UsageError(`${file}: ${cause.message}`, { cause });
  }
}

/** The bytes of a file, unzipped where it is zipped. */
function readBytes(file: string): Uint8Array {
  let bytes: Buffer;
  try {
    if (statSync(file).size > fileBytesMax) {
      throw new SimulationInputError("it is larger than 1 GiB: cut it in parts");
    }
    bytes = readFileSync(file);
  } catch (cause) {
    if (cause instanceof SimulationInputError) throw cause;
    throw new UsageError(`cannot read ${file}: ${reasonOf(cause)}`, { cause });
  }
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: fileBytesMax });
  } catch (cause) {
    throw new SimulationInputError(`it is no whole gzip file: ${reasonOf(cause)}`, { cause });
  }
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
