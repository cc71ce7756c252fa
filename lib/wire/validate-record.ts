import type { VmLoad } from "../model/load.ts";
import type { HostRecord } from "../model/record.ts";
import type { VmEntry, VmState } from "../model/vm.ts";
import { vmLimits } from "../model/vm-spec.ts";
import { wireLimits } from "./limits.ts";
import type { Malformed } from "./malformed.ts";
import type { Reader } from "./reader.ts";
import { validate } from "./validate.ts";
import { readMoveOutcomeFields } from "./validate-move-outcome.ts";
import { readServiceNewsFields } from "./validate-service-news.ts";
import { readSummaryFields } from "./validate-summary.ts";
import { readPolicyFields } from "./validate-vm-spec.ts";

const kinds = new Set(["summary", "inventory"] as const);
const vmStates = new Set<VmState>([
  "stopped",
  "starting",
  "running",
  "paused",
  "suspending",
  "suspended",
  "resuming",
  "migrating",
  "frozen",
  "in-doubt",
  "lost",
]);
/** Last moves that an inventory carries (lib/model/record.ts). */
const OUTCOMES_MAX = 8;

/** Checks and bounds a host's record from outside; unknown fields are dropped. Never throws. */
export function readRecord(value: unknown): HostRecord | Malformed {
  return validate(value, readRecordFields);
}

export function readRecordFields(record: Reader): HostRecord {
  const kind = record.word("kind", kinds);
  const host = record.host("host");
  const incarnation = record.count("incarnation");
  const seq = record.count("seq");
  const body = record.object("body");
  if (kind === "summary") {
    return { kind, host, incarnation, seq, body: readSummaryFields(body) };
  }
  const vms = body
    .list("vms", wireLimits.inventoryVmsMax)
    .map((vm, index) => readVmEntry(body.item("vms", index, vm)));
  const outcomes = body
    .list("outcomes", OUTCOMES_MAX)
    .map((outcome, index) => readMoveOutcomeFields(body.item("outcomes", index, outcome)));
  const services = readServiceNewsFields(body);
  return { kind, host, incarnation, seq, body: { vms, outcomes, ...services } };
}

export function readLoadFields(load: Reader): VmLoad {
  return {
    cpuCores: load.figure("cpuCores"),
    residentBytes: load.figure("residentBytes"),
    dirtyBytesPerSecond: load.figureOrNull("dirtyBytesPerSecond"),
    networkBytesPerSecond: load.figureIfAny("networkBytesPerSecond"),
  };
}

function readVmEntry(vm: Reader): VmEntry {
  const load = vm.objectOrNull("load");
  return {
    name: vm.vm("name"),
    version: vm.count("version"),
    state: vm.word("state", vmStates),
    vcpus: vm.count("vcpus", 1, vmLimits.vcpusMax),
    memoryBytes: vm.count("memoryBytes", vmLimits.memoryBytesMin, vmLimits.memoryBytesMax),
    load: load && readLoadFields(load),
    policy: readPolicyFields(vm.object("policy")),
    move: vm.moveOrNull("move"),
    moveTarget: vm.hostOrNull("moveTarget"),
    immovable: vm.textOrNull("immovable", wireLimits.reasonLengthMax),
  };
}
