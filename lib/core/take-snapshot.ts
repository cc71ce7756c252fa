import type { Ledger } from "../ledger/ledger.ts";
import type { HostId } from "../model/ids.ts";
import type { MemberState } from "../model/verdict.ts";
import type { Admission } from "./admission.ts";
import type { Balancer } from "./balancer.ts";
import type { Cluster } from "./cluster.ts";
import type { ExplainDesk } from "./explain-desk.ts";
import { entryOfGuest, type GuestTable } from "./guest-table.ts";
import type { ClusterMode } from "./mode-document.ts";
import type { MoveHistory } from "./move-history.ts";
import { isSource, type MoveEntry, moveOfGuest } from "./move-table.ts";
import type { Mover } from "./mover.ts";
import { ownSummary } from "./own-figures.ts";
import type { Self } from "./self.ts";
import type { ServiceDesk } from "./service-desk.ts";
import { serviceLife } from "./service-life.ts";
import type { Alarm, MemberView, MoveView, Snapshot, VmView } from "./snapshot.ts";
import type { Surroundings } from "./surroundings.ts";
import type { VerbDesk } from "./verb-desk.ts";

/** Two records that show one VM running for this long are no move that gossip lags behind. */
const duplicateMs = 10_000;

export interface SnapshotParts {
  readonly self: Self;
  readonly cluster: Cluster;
  readonly guests: GuestTable;
  readonly mover: Mover;
  readonly ledger: Ledger;
  readonly balancer: Balancer;
  readonly admission: Admission;
  readonly explain: ExplainDesk;
  readonly history: MoveHistory;
  readonly surroundings: Surroundings;
  readonly desk: Pick<VerbDesk, "services" | "shutdown">;
  readonly services: ServiceDesk | null;
  readonly mode: ClusterMode;
}

/** Copies out what a reader may see. Costs with the cluster's size: made when asked, not kept. */
export function takeSnapshot(parts: SnapshotParts, nowMs: number): Snapshot {
  const { self, cluster, guests } = parts;
  const plan = parts.explain.plan(nowMs);
  const vms = vmViews(parts, nowMs);
  return {
    self: self.options.self,
    name: self.options.name,
    keyed: self.options.keyed,
    mode: parts.mode,
    draining: self.draining,
    incarnation: cluster.incarnation,
    uptimeMs: nowMs - self.startedAtMs,
    wallOffsetMs: self.wallOffsetMs,
    members: memberViews(parts, nowMs),
    vms,
    ownedSpecs: guests.all().map((guest) => guest.owned.spec),
    services: serviceViews(parts, nowMs),
    moves: parts.mover.table.all().map((entry) => moveView(entry, parts, nowMs)),
    history: parts.history.merged(parts.surroundings.gossipedOutcomes()),
    plan: { moves: plan.moves, reason: plan.reason },
    considered: plan.considered,
    shifts: plan.shifts,
    alarms: alarms(parts, vms, nowMs),
    shutdown: parts.desk.shutdown.shown(),
    counters: counters(parts),
  };
}

function serviceViews({ desk, services, surroundings }: SnapshotParts, nowMs: number) {
  const sight = services?.shown(nowMs);
  return desk.services.views((service) =>
    services && sight
      ? serviceLife(service, { sight, services, nameOf: (host) => surroundings.nameOf(host) })
      : null,
  );
}

function counters({ cluster, balancer, admission, mover }: SnapshotParts): Snapshot["counters"] {
  const gossip = cluster.counters;
  return {
    rounds: balancer.counters.rounds,
    proposalsSent: balancer.counters.proposalsSent,
    proposalsReceived: admission.counters.received,
    grants: admission.counters.grants,
    refusals: admission.counters.refusals,
    ...mover.counters,
    suspicions: gossip.suspicions,
    refutations: gossip.refutations,
    recordsAccepted: gossip.accepted,
    recordsStale: gossip.stale,
  };
}

function memberViews(parts: SnapshotParts, nowMs: number): MemberView[] {
  const { self, cluster, guests, ledger, surroundings } = parts;
  const me: MemberView = {
    host: self.options.self,
    name: surroundings.nameOf(self.options.self),
    state: "alive",
    incarnation: cluster.incarnation,
    ageMs: 0,
    self: true,
    summary: ownSummary(self, guests, ledger),
  };
  const others = cluster.membership.members().map((member): MemberView => {
    const known = cluster.view.summaryOf(member.host);
    return {
      host: member.host,
      name: surroundings.nameOf(member.host),
      state: member.state,
      incarnation: member.incarnation,
      ageMs: known ? Math.max(0, nowMs - known.receivedAtMs) : null,
      self: false,
      summary: known?.record.body ?? null,
    };
  });
  return [me, ...others].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Every VM once, under its owner: of two that show it, the higher version is the owner. */
function vmViews(parts: SnapshotParts, nowMs: number): VmView[] {
  const { self, cluster, guests, mover, surroundings } = parts;
  const views = new Map<string, VmView>();
  const add = (view: VmView) => {
    const known = views.get(view.name);
    if (!known || view.version > known.version) views.set(view.name, view);
  };
  for (const guest of guests.all()) {
    const move = moveOfGuest(mover.table.ofVm(guest.owned.spec.name), nowMs);
    add({
      ...entryOfGuest(guest, move),
      host: self.options.self,
      hostName: surroundings.nameOf(self.options.self),
      hostState: "alive",
    });
  }
  for (const host of cluster.view.hosts()) {
    if (host === self.options.self) continue;
    const hostName = surroundings.nameOf(host);
    const hostState: MemberState = cluster.membership.stateOf(host) ?? "dead";
    for (const entry of cluster.view.inventoryOf(host)?.record.body.vms ?? []) {
      add({ ...entry, host, hostName, hostState });
    }
  }
  return [...views.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function moveView(entry: MoveEntry, parts: SnapshotParts, nowMs: number): MoveView {
  const { moveId, vm, peer } = entry.move.facts;
  const { phase } = entry.move;
  return {
    moveId,
    vm,
    role: isSource(entry) ? "source" : "target",
    peer,
    peerName: parts.surroundings.nameOf(peer),
    phase: isSource(entry) && phase === "transferring" ? entry.move.stage : phase,
    ageMs: nowMs - entry.startedAtMs,
    progress: entry.progress,
    inDoubt: entry.move.inDoubt(nowMs),
  };
}

function alarms(parts: SnapshotParts, vms: readonly VmView[], nowMs: number): Alarm[] {
  const { self, cluster, guests, mover, surroundings } = parts;
  const found: Alarm[] = [];
  for (const { vm, hosts, sinceMs } of duplicateVms(cluster)) {
    // While the source's new inventory is on its way, every move looks like this.
    if (nowMs - sinceMs < duplicateMs) continue;
    const names = hosts.map((host) => surroundings.nameOf(host)).join(" and ");
    found.push({
      code: "duplicate",
      message: `${vm} is shown running on ${names}`,
      remedy: `find out which copy is right, and stop the other ('evenkeel vm stop ${vm} --force')`,
    });
  }
  for (const name of cluster.view.sharedNames()) {
    found.push({
      code: "name-clash",
      message: `more than one host is named ${name}: they are shown with a part of their ids`,
      remedy: "give each a name of its own (name in evenkeel.yaml) and restart its agent",
    });
  }
  if (self.cloneUntilMs > nowMs) {
    found.push({
      code: "clone",
      message: "another agent bears this host's identity; both refuse to act",
      remedy: "stop the copied machine, remove identity.key from its state directory, start it",
    });
  }
  for (const entry of mover.table.all()) {
    if (!entry.move.inDoubt(nowMs)) continue;
    const { vm, peer } = entry.move.facts;
    const name = surroundings.nameOf(peer);
    found.push({
      code: "in-doubt",
      message: `${vm} waits for ${name} to say what became of its move`,
      remedy:
        `bring ${name} back; if it cannot come back, switch it off and say ` +
        `'evenkeel move resolve ${vm} --run-here --fenced ${name}'`,
    });
  }
  for (const vm of vms) {
    if (vm.state !== "lost") continue;
    found.push({
      code: "lost",
      message: `${vm.name} on ${vm.hostName} should run and has no copy: powered off or killed`,
      remedy: `'evenkeel vm start ${vm.name}' boots it anew`,
    });
  }
  for (const stray of guests.strays) {
    found.push({
      code: "stray-copy",
      message: `a copy of ${stray.vm} (${stray.state}) is here that no journal line explains`,
      remedy:
        "it is neither run nor discarded; find out where the VM belongs, then end the process",
    });
  }
  return found;
}

function duplicateVms(cluster: Cluster): ReturnType<Cluster["view"]["duplicates"]> {
  const stateOf = (host: HostId) => cluster.membership.stateOf(host);
  return cluster.view.duplicates(stateOf);
}
