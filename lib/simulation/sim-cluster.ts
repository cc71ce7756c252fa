import type { HostId, VmName } from "../model/ids.ts";
import type { Verb } from "../model/verb.ts";
import type { VmSpec } from "../model/vm-spec.ts";
import { CheckedWorld, type CheckedWorldOptions } from "./checked-world.ts";

const mebibyte = 2 ** 20;
/** Longest that agents take to find each other, ms. */
const joinMsMax = 10_000;
/** Longest that a verb of the local host takes, ms. */
const verbMsMax = 20_000;

/** A small guest without disk or network, as the simulator needs no more. */
export function simVmSpec(name: VmName, memoryBytes = 64 * mebibyte): VmSpec {
  return {
    name,
    vcpus: 1,
    memoryBytes,
    machine: "microvm",
    kernel: null,
    disks: [],
    network: { kind: "none" },
    policy: { pin: null, ignore: false, antiAffinityGroup: null, affinityGroup: null },
  };
}

/** A host with the CPU that a demonstration needs and memory for a few dozen small guests. */
export const smallHost = {
  cpuCapacityCores: 0.5,
  memoryCapacityBytes: 2048 * mebibyte,
  reservedMemoryBytes: 128 * mebibyte,
};

/** Starts a checked world, waits until all its hosts know each other. Fails the run otherwise. */
export function joinedWorld(options: CheckedWorldOptions): CheckedWorld {
  const world = new CheckedWorld(options);
  world.startAll();
  const joined = world.runUntil(
    () => world.hosts.every((host) => aliveSeenBy(world, host) === world.hosts.length),
    joinMsMax,
  );
  if (!joined) world.fail("convergence", "the hosts do not all find each other at the start");
  return world;
}

/** How many members are alive to this host, itself included. */
export function aliveSeenBy(world: CheckedWorld, host: HostId): number {
  const members = world.snapshotOf(host)?.members ?? [];
  return members.filter((member) => member.state === "alive").length;
}

/** Defines and starts a VM on a host, and waits until it runs. */
export function addVm(world: CheckedWorld, host: HostId, spec: VmSpec): void {
  mustDo(world, host, { verb: "define", spec });
  mustDo(world, host, { verb: "start", vm: spec.name });
}

/** Asks a verb of a host and runs until it is answered; fails the run unless that is a success. */
export function mustDo(world: CheckedWorld, host: HostId, verb: Verb): void {
  const reply = world.ask(host, verb);
  world.runUntil(() => reply() !== undefined, verbMsMax);
  const result = reply();
  if (result === undefined || result.status >= 300) {
    world.fail("verb", `${verb.verb} was answered ${result?.status} ${result?.message}`);
  }
}
