import type { Prng } from "../base/prng.ts";
import { sampleTargets } from "../election/sample-targets.ts";
import type { ActionReason, Candidate, PlannedMove, ShiftCandidate } from "../model/action.ts";
import type { HostId, VmName } from "../model/ids.ts";
import type { MoveOutcome } from "../model/move-outcome.ts";
import { candidates } from "../planning/candidates.ts";
import { type HostFigures, utilisationOf } from "../planning/host-figures.ts";
import type { PlanningParams } from "../planning/params.ts";
import { brokenRule } from "../planning/rules.ts";
import type { VmFigures } from "../planning/vm-figures.ts";
import type { Balancer } from "./balancer.ts";
import type { Cluster } from "./cluster.ts";
import { figuresOfEntries } from "./figures-of-entry.ts";
import type { GuestTable } from "./guest-table.ts";
import { withMeasuredLink } from "./measured-link.ts";
import type { MoveHistory } from "./move-history.ts";
import type { Self } from "./self.ts";
import type { ShiftDesk } from "./shift-desk.ts";
import type { Surroundings } from "./surroundings.ts";

/** Hosts that one VM is weighed against for people to read. */
const explainedMax = 64;
/** Hosts of the view whose best move is worked out for `plan`. */
const plannedHostsMax = 64;
const targetsMax = 16;
/** Weighed pairs that `plan` shows. */
const consideredMax = 64;

/** Why a VM moved, or why it is still here: what `evenkeel explain` prints. */
export interface Explanation {
  readonly vm: VmName;
  readonly host: HostId;
  readonly hostName: string;
  /** Why this host looks for moves at all, or why not, in words with the figures. */
  readonly reason: string;
  readonly candidates: readonly (Candidate & { readonly toName: string })[];
  /** The service whose member it is: then the candidates are shifts. Null for a VM. */
  readonly service: string | null;
  readonly history: readonly MoveOutcome[];
}

export interface Plan {
  readonly moves: readonly PlannedMove[];
  /** Own VMs that are not moved now, weighed against the others, best first. */
  readonly considered: readonly Candidate[];
  /** Own members of services, weighed against the hosts where they could run instead, best first. */
  readonly shifts: readonly ShiftCandidate[];
  readonly reason: string;
}

export interface ExplainDeskOptions {
  readonly self: Self;
  readonly surroundings: Surroundings;
  readonly balancer: Balancer;
  readonly guests: Pick<GuestTable, "refusals">;
  readonly shifts: Pick<ShiftDesk, "explain" | "weighed">;
  readonly cluster: Cluster;
  readonly history: MoveHistory;
  readonly planning: PlanningParams;
  readonly prng: Prng;
  /** What keeps this host from acting on its plan, in words; null when nothing does. */
  readonly heldBack: (nowMs: number) => string | null;
}

/** Answers "why" with the same functions that decide. */
export class ExplainDesk {
  readonly #options: ExplainDeskOptions;

  constructor(options: ExplainDeskOptions) {
    this.#options = options;
  }

  explain(vm: VmName, nowMs: number): Explanation {
    const { surroundings, history, shifts } = this.#options;
    const member = shifts.explain(vm, nowMs);
    if (member) return this.#explainMember(vm, member, nowMs);
    const own = surroundings.own();
    const weighed = this.#weigh(
      {
        self: own,
        vms: surroundings.ownVms(nowMs).filter((one) => one.vm === vm),
        targets: surroundings.others().slice(0, explainedMax),
        reason: this.#reasonOf(vm, nowMs),
      },
      nowMs,
    );
    return {
      vm,
      host: own.host,
      hostName: own.name,
      service: null,
      reason: this.#reasonWords(nowMs),
      candidates: weighed.map((one) => ({ ...one, toName: surroundings.nameOf(one.to) })),
      history: history
        .merged(surroundings.gossipedOutcomes())
        .filter((outcome) => outcome.vm === vm)
        .slice(0, 8),
    };
  }

  #explainMember(
    vm: VmName,
    { service, state, shifts }: NonNullable<ReturnType<ShiftDesk["explain"]>>,
    nowMs: number,
  ): Explanation {
    const { surroundings } = this.#options;
    const own = surroundings.own();
    const where =
      state === "running" ? "" : `it is ${state}, and only running members are shifted; `;
    return {
      vm,
      host: own.host,
      hostName: own.name,
      service,
      reason: where + this.#reasonWords(nowMs),
      candidates: shifts.map((one) => ({ ...one, toName: surroundings.nameOf(one.to) })),
      history: [],
    };
  }

  /** A rule that another VM breaks says nothing about this one. */
  #reasonOf(vm: VmName, nowMs: number): ActionReason {
    const { surroundings, balancer } = this.#options;
    const reason = balancer.reason ?? "imbalance";
    if (reason !== "rule") return reason;
    const vms = surroundings.ownVms(nowMs);
    const own = vms.find((one) => one.vm === vm);
    return own && brokenRule(own, surroundings.own(), vms) !== null ? "rule" : "imbalance";
  }

  /** The best move of each host that has a reason, as far as this view goes, best first. */
  plan(nowMs: number): Plan {
    const { surroundings } = this.#options;
    const own = surroundings.own();
    const others = surroundings.others();
    const moves: PlannedMove[] = [];
    const { reason } = this.#options.balancer;
    const vms = surroundings.ownVms(nowMs);
    const look = { self: own, vms, targets: others.slice(0, explainedMax) };
    const weighed = this.#weigh({ ...look, reason: reason ?? "imbalance" }, nowMs);
    if (reason !== null) pushBest(moves, weighed, reason);
    for (const host of others.slice(0, plannedHostsMax)) this.#planOther(host, moves, nowMs);
    moves.sort((a, b) => b.score - a.score);
    const chosen = new Set(moves.map((one) => one.vm));
    const considered = weighed.filter((one) => !chosen.has(one.vm)).slice(0, consideredMax);
    const shifts = this.#options.shifts.weighed(nowMs).slice(0, consideredMax);
    return { moves, considered, shifts, reason: this.#reasonWords(nowMs) };
  }

  /** Another host's best move, worked out from what it gossips; only it can make it. */
  #planOther(host: HostFigures, moves: PlannedMove[], nowMs: number): void {
    const { surroundings, cluster, planning, prng } = this.#options;
    const mean = surroundings.mean();
    const use = utilisationOf(host);
    const above = Math.max(use.cpu - mean.cpu, use.memory - mean.memory);
    const reason: ActionReason | null = host.draining
      ? "drain"
      : above > planning.marginShare
        ? "imbalance"
        : null;
    if (reason === null) return;
    const entries = cluster.view.inventoryOf(host.host)?.record.body.vms ?? [];
    const vms = figuresOfEntries(entries);
    const hosts = [surroundings.own(), ...surroundings.others()];
    const targets = sampleTargets(prng, hosts, { count: targetsMax }).filter(
      (one) => one.host !== host.host,
    );
    pushBest(moves, this.#weigh({ self: host, vms, targets, reason }, nowMs), reason);
  }

  #weigh(
    look: {
      readonly self: HostFigures;
      readonly vms: readonly VmFigures[];
      readonly targets: readonly HostFigures[];
      readonly reason: ActionReason;
    },
    nowMs: number,
  ): Candidate[] {
    const { surroundings, planning, guests } = this.#options;
    // The same link speed as in the balancer's look, or the costs told would not be those it goes by.
    const params = withMeasuredLink(planning, this.#options);
    return candidates({ ...look, nowMs, scale: surroundings.scale(), params }).map((one) => ({
      ...one,
      refusal: one.refusal ?? guests.refusals.last(one.vm, one.to, nowMs),
    }));
  }

  #reasonWords(nowMs: number): string {
    const { surroundings, balancer, planning, heldBack } = this.#options;
    const own = surroundings.own();
    const use = utilisationOf(own);
    const mean = surroundings.mean();
    const network = own.networkCapacityBytesPerSecond > 0;
    const figures =
      `${own.name} is at ${percent(use.cpu)} CPU and ${percent(use.memory)} memory, ` +
      `the cluster's level is ${percent(mean.cpu)} and ${percent(mean.memory)}` +
      (network ? ` (network: ${percent(use.network)}, ${percent(mean.network)})` : "");
    const held = heldBack(nowMs);
    const tail = held === null ? "" : `; ${held}`;
    if (surroundings.others().length === 0) return `no other live host with known figures${tail}`;
    switch (balancer.reason) {
      case "drain":
        return `${own.name} is draining${tail}`;
      case "rule":
        return `a rule is broken on ${own.name}${tail}`;
      case "hot":
        return `hot: ${figures} (hot above ${percent(planning.hotShare)})${tail}`;
      case "imbalance":
        return `above the others: ${figures}${tail}`;
      default:
        return `no reason to move anything off it: ${figures}${tail}`;
    }
  }
}

function pushBest(moves: PlannedMove[], weighed: readonly Candidate[], reason: ActionReason): void {
  const best = weighed.find((one) => one.refusal === null);
  if (best) moves.push({ ...best, reason });
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
