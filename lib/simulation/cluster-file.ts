import type { ClusterModel, ModelHost, ModelVm } from "./cluster-model.ts";
import { SimulationInputError } from "./input-error.ts";
import { readList, readName, readNumber, readObject, shown } from "./read-fields.ts";

const mebibyte = 2 ** 20;

/** Nobody has more; a file that says so has its units wrong. */
const hostsMax = 20_000;
const vmsMax = 400_000;
const coresMax = 4_096;
const memoryMiBMax = 64 * 2 ** 20;
const diskMiBMax = 2 ** 40;
const dirtyMiBpsMax = 100_000;

/**
 * Reads a cluster file: `{nodes: [{name, cores, memMiB, reservedMiB}], vms: [{name, node, cores, mem,
 * vcpu, disk}]}`, where a VM's `cores` is what it burns, `mem` and `disk` are MiB. Optional: a node's
 * `reservedMiB` (0), a VM's `vcpu` (what it burns, rounded up), `disk` (0) and `dirtyMiBps` (0).
 * Other keys are ignored. Throws SimulationInputError for anything that cannot be a cluster.
 */
export function readClusterFile(text: string): ClusterModel {
  const file = readObject(parseJson(text), "the file");
  const nodes = readList(file["nodes"], "nodes");
  const guests = readList(file["vms"], "vms");
  if (nodes.length === 0) {
    throw new SimulationInputError("nodes: the list is empty, and a cluster has at least one host");
  }
  if (nodes.length > hostsMax || guests.length > vmsMax) {
    throw new SimulationInputError(
      `nodes, vms: ${nodes.length} hosts and ${guests.length} VMs are more than the ${hostsMax} and ${vmsMax} that can be simulated`,
    );
  }
  const hosts = nodes.map((node, index) => hostOf(node, `nodes[${index}]`));
  uniqueNames(hosts, "nodes");
  const hostOfName = new Map(hosts.map((host) => [host.name, host]));
  const vms = guests.map((guest, index) => vmOf(guest, `vms[${index}]`));
  uniqueNames(vms, "vms");
  for (const [index, vm] of vms.entries()) {
    mustBeOn(hostOfName.get(vm.host), vm, `vms[${index}]`);
  }
  return { hosts, vms };
}

/** Hosts may be fuller than full, since some let VMs share memory; one VM cannot be larger than all. */
function mustBeOn(host: ModelHost | undefined, vm: ModelVm, place: string): void {
  if (!host) {
    throw new SimulationInputError(
      `${place}.node: ${shown(vm.name)} is on ${shown(vm.host)}, which is not among the nodes`,
    );
  }
  if (vm.memoryBytes > host.memoryCapacityBytes) {
    throw new SimulationInputError(
      `${place}.mem: ${vm.memoryBytes / mebibyte} MiB are more than the whole memory of ${shown(host.name)}, ${host.memoryCapacityBytes / mebibyte} MiB`,
    );
  }
  if (vm.cpuCores > host.cpuCapacityCores) {
    throw new SimulationInputError(
      `${place}.cores: nobody burns ${vm.cpuCores} cores on ${shown(host.name)}, which has ${host.cpuCapacityCores}`,
    );
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replace(/\s+/g, " ") : "";
    throw new SimulationInputError(`this is no JSON: ${reason}`, { cause });
  }
}

function hostOf(value: unknown, place: string): ModelHost {
  const fields = readObject(value, place);
  const name = readName(fields, "name", place);
  const memoryMiB = readNumber(fields, "memMiB", { place, min: 1, max: memoryMiBMax });
  return {
    name,
    cpuCapacityCores: readNumber(fields, "cores", { place, min: 0.01, max: coresMax }),
    memoryCapacityBytes: memoryMiB * mebibyte,
    reservedMemoryBytes:
      readNumber(fields, "reservedMiB", { place, min: 0, max: memoryMiB, byDefault: 0 }) * mebibyte,
  };
}

function vmOf(value: unknown, place: string): ModelVm {
  const fields = readObject(value, place);
  const name = readName(fields, "name", place);
  const host = readName(fields, "node", place);
  const number = (key: string, min: number, max: number, byDefault?: number) =>
    readNumber(fields, key, { place, min, max, ...(byDefault === undefined ? {} : { byDefault }) });
  const cpuCores = number("cores", 0, coresMax);
  return {
    name,
    host,
    cpuCores,
    memoryBytes: Math.round(number("mem", 1, memoryMiBMax) * mebibyte),
    diskBytes: number("disk", 0, diskMiBMax, 0) * mebibyte,
    vcpus: number("vcpu", 1, coresMax, Math.max(1, Math.ceil(cpuCores))),
    dirtyBytesPerSecond: number("dirtyMiBps", 0, dirtyMiBpsMax, 0) * mebibyte,
  };
}

function uniqueNames(items: readonly { readonly name: string }[], list: string): void {
  const names = new Set<string>();
  for (const [index, { name }] of items.entries()) {
    if (names.has(name)) {
      throw new SimulationInputError(`${list}[${index}].name: there are two named ${shown(name)}`);
    }
    names.add(name);
  }
}
