import type { Snapshot } from "../../core/snapshot.ts";
import type { HostId, VmName } from "../../model/ids.ts";
import { readMemberName } from "../../services/member-name.ts";
import type { SimFact } from "../sim-fact.ts";
import type { SimWorld } from "../sim-world.ts";
import type { Checker } from "./checker.ts";

/** Phases in which a move is only remembered, for an end that might still ask. */
const closedPhases = ["refused"];

/**
 * What was healed agrees again: everybody is alive to everybody, every VM is shown once and by all
 * at the same host, and no move is open.
 */
export class Convergence implements Checker {
  readonly name = "convergence";
  readonly facts = ["hostCrashed"] as const;
  /** Who objected last: where all is well but there, one look is enough. */
  #first: HostId | undefined;
  readonly #diskless = new Set<HostId>();

  observe(fact: SimFact): undefined {
    if (fact.type === "hostCrashed" && fact.diskLost) this.#diskless.add(fact.host);
    return undefined;
  }

  settled(world: SimWorld): string | undefined {
    const objection = disagreementOf(world, this.#first, this.#diskless);
    this.#first = objection?.host;
    return objection && `${objection.host} ${objection.text}`;
  }
}

/**
 * What the agents do not agree on yet; undefined when they do. A move whose other end lost its
 * disk stays in doubt until the operator decides: it counts as closed.
 */
export function disagreement(
  world: SimWorld,
  diskless: ReadonlySet<HostId> = new Set(),
): string | undefined {
  const objection = disagreementOf(world, undefined, diskless);
  return objection && `${objection.host} ${objection.text}`;
}

interface Disagreement {
  readonly host: HostId;
  readonly text: string;
}

function disagreementOf(
  world: SimWorld,
  first: HostId | undefined,
  diskless: ReadonlySet<HostId>,
): Disagreement | undefined {
  const truth = runningVms(world);
  const others = world.hosts.filter((host) => host !== first);
  for (const host of first === undefined ? others : [first, ...others]) {
    const snapshot = world.snapshotOf(host);
    if (!snapshot) return { host, text: "has no agent" };
    const text =
      wrongMember(snapshot, world.hosts) ??
      openMove(snapshot, diskless) ??
      wrongVm(snapshot.vms, truth);
    if (text) return { host, text };
  }
  return undefined;
}

function runningVms(world: SimWorld): ReadonlyMap<VmName, HostId> {
  const truth = new Map<VmName, HostId>();
  for (const { id, host } of world.machines) {
    for (const { spec, sinceMs } of host.copies()) {
      // Members of services are no guests; their own checker looks after them.
      if (sinceMs !== null && readMemberName(spec.name) === undefined) truth.set(spec.name, id);
    }
  }
  return truth;
}

function wrongMember({ members }: Snapshot, hosts: readonly HostId[]): string | undefined {
  const states = new Map(members.map((member) => [member.host, member.state]));
  const missing = hosts.find((host) => states.get(host) !== "alive");
  return missing && `holds ${missing} for ${states.get(missing) ?? "no member"}`;
}

function openMove({ moves }: Snapshot, diskless: ReadonlySet<HostId>): string | undefined {
  const open = moves.find((move) => {
    return !closedPhases.includes(move.phase) && !(move.inDoubt && diskless.has(move.peer));
  });
  return open && `still has move ${open.moveId} in phase ${open.phase}`;
}

function wrongVm(
  vms: readonly { readonly name: string; readonly host: HostId }[],
  truth: ReadonlyMap<string, HostId>,
): string | undefined {
  const shownAt = new Map<string, HostId[]>();
  for (const { name, host } of vms) shownAt.set(name, [...(shownAt.get(name) ?? []), host]);
  for (const [vm, host] of truth) {
    const shown = shownAt.get(vm) ?? [];
    if (shown.length !== 1 || shown[0] !== host) {
      return `shows ${vm} at ${shown.join(" and ") || "no host"}; it runs at ${host}`;
    }
  }
  return undefined;
}
