import { Prng } from "#lib/base/prng.ts";
import { populationSd } from "#lib/base/stats.ts";
import { defaultElectionParams } from "#lib/election/params.ts";
import { sampleTargets } from "#lib/election/sample-targets.ts";
import { SourceElection } from "#lib/election/source-election.ts";
import { TargetElection } from "#lib/election/target-election.ts";
import { Ledger } from "#lib/ledger/ledger.ts";
import type { ActionReason } from "#lib/model/action.ts";
import type { VmPolicy } from "#lib/model/vm-spec.ts";
import { candidates, rescore } from "#lib/planning/candidates.ts";
import { coolDownMs, recentMovesAfter } from "#lib/planning/cool-down.ts";
import {
  type HostFigures,
  leastUtilisation,
  levelUtilisation,
} from "#lib/planning/host-figures.ts";
import { LoadEstimate } from "#lib/planning/load-estimate.ts";
import { defaultPlanningParams, type PlanningParams } from "#lib/planning/params.ts";
import { scaleOf } from "#lib/planning/potential.ts";
import { anyRuleBroken } from "#lib/planning/rules.ts";
import { Trigger } from "#lib/planning/trigger.ts";
import type { VmFigures } from "#lib/planning/vm-figures.ts";
import { simHypervisor } from "./planning-figures.ts";

/**
 * Planning, election and ledger of several hosts driven hand in hand, with no network and no
 * failures: messages arrive at once, views are `viewAgeMs` old, a move takes `moveMs`.
 */
export interface LoopHost {
  readonly name: string;
  readonly cpuCapacityCores: number;
  readonly memoryCapacityBytes: number;
  draining?: boolean;
}

export interface LoopVm {
  readonly vm: string;
  host: string;
  /** True demand in cores at a moment; the samples see it with noise. */
  readonly demand: (nowMs: number) => number;
  readonly memoryBytes: number;
  readonly policy?: Partial<VmPolicy>;
  readonly startMs?: number;
}

export interface LoopMove {
  readonly atMs: number;
  readonly vm: string;
  readonly from: string;
  readonly to: string;
  readonly reason: ActionReason;
}

interface LoopOptions {
  readonly seed: number;
  readonly hosts: readonly LoopHost[];
  readonly vms: readonly LoopVm[];
  readonly noise?: number;
  readonly moveMs?: number;
  readonly viewAgeMs?: number;
  readonly params?: Partial<PlanningParams>;
}

interface Proposal {
  readonly moveId: string;
  readonly vm: string;
  readonly source: string;
  readonly sourceName: string;
  readonly to: string;
  readonly reason: ActionReason;
  readonly figures: VmFigures;
  readonly from: HostFigures;
}

interface Member {
  readonly host: LoopHost;
  readonly ledger: Ledger;
  readonly source: SourceElection<{ vm: string; to: string }>;
  readonly target: TargetElection<Proposal>;
  readonly trigger: Trigger;
  readonly figures: HostFigures[];
  reasons: readonly ActionReason[];
}

interface Guest {
  readonly spec: LoopVm;
  estimate: LoadEstimate;
  move: { moveId: string; to: string; endMs: number; reason: ActionReason } | null;
  cooldownUntilMs: number;
  recentMoves: number;
  lastMoveMs: number | undefined;
}

const STEP_MS = 50;
const SAMPLE_MS = 1000;

export class PlanningLoop {
  readonly moves: LoopMove[] = [];
  refusals = 0;
  overcommitments = 0;
  nowMs = 0;
  readonly #options: LoopOptions;
  readonly #params: PlanningParams;
  readonly #prng: Prng;
  readonly #members: readonly Member[];
  readonly #guests: readonly Guest[];
  #moveCount = 0;

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#params = { ...defaultPlanningParams, ...options.params };
    this.#prng = new Prng(options.seed);
    this.#members = options.hosts.map((host) => ({
      host,
      ledger: new Ledger(),
      source: new SourceElection({ prng: this.#prng, params: defaultElectionParams, nowMs: 0 }),
      target: new TargetElection<Proposal>(defaultElectionParams),
      trigger: new Trigger(this.#params),
      figures: [],
      reasons: [],
    }));
    this.#guests = options.vms.map((spec) => ({
      spec,
      estimate: new LoadEstimate(),
      move: null,
      cooldownUntilMs: 0,
      recentMoves: 0,
      lastMoveMs: undefined,
    }));
  }

  runUntil(endMs: number): void {
    while (this.nowMs < endMs) {
      if (this.nowMs % SAMPLE_MS === 0) this.#sample();
      for (const guest of this.#guests) this.#endMove(guest);
      for (const member of this.#members) this.#decide(member);
      for (const member of this.#members) this.#look(member);
      this.#checkMemory();
      this.nowMs += STEP_MS;
    }
  }

  /** True utilisation of every host, without noise. */
  utilisations(resource: "cpu" | "memory"): number[] {
    return this.#options.hosts.map((host) => {
      const here = this.#guests.filter(
        (guest) => guest.spec.host === host.name && this.#runs(guest),
      );
      const used = here.reduce(
        (sum, { spec }) => sum + (resource === "cpu" ? spec.demand(this.nowMs) : spec.memoryBytes),
        0,
      );
      return used / (resource === "cpu" ? host.cpuCapacityCores : host.memoryCapacityBytes);
    });
  }

  spread(resource: "cpu" | "memory"): number {
    return populationSd(this.utilisations(resource));
  }

  vmsOn(host: string): string[] {
    return this.#guests.filter(({ spec }) => spec.host === host).map(({ spec }) => spec.vm);
  }

  #runs(guest: Guest): boolean {
    return this.nowMs >= (guest.spec.startMs ?? 0);
  }

  #sample(): void {
    const noise = this.#options.noise ?? 0;
    for (const guest of this.#guests) {
      if (!this.#runs(guest)) continue;
      const cpuCores =
        guest.spec.demand(this.nowMs) * (1 + noise * (2 * this.#prng.nextShare() - 1));
      const load = {
        cpuCores,
        residentBytes: guest.spec.memoryBytes,
        dirtyBytesPerSecond: null,
        networkBytesPerSecond: null,
      };
      guest.estimate.observe(load, this.nowMs);
    }
    const keep = 1 + Math.ceil((this.#options.viewAgeMs ?? 0) / SAMPLE_MS);
    for (const member of this.#members) {
      member.figures.unshift(this.#figuresOf(member));
      member.figures.length = Math.min(member.figures.length, keep);
    }
    for (const member of this.#members) {
      const view = this.#viewOf(member);
      member.trigger.observe({
        self: this.#figuresOf(member),
        mean: levelUtilisation(view),
        least: leastUtilisation(view),
        brokenRules: anyRuleBroken(this.#figuresOf(member), this.#vmsOf(member)),
        nowMs: this.nowMs,
      });
      member.reasons = member.trigger.reasons;
    }
  }

  #guestsOf(member: Member): Guest[] {
    return this.#guests.filter((one) => one.spec.host === member.host.name && this.#runs(one));
  }

  #figuresOf(member: Member): HostFigures {
    const { host, ledger } = member;
    const guests = this.#guestsOf(member);
    const groups = guests.flatMap(({ spec }) => spec.policy?.antiAffinityGroup ?? []);
    const cpuCores = guests.reduce((sum, one) => sum + (one.estimate.value()?.cpuCores ?? 0), 0);
    const memoryBytes = guests.reduce((sum, one) => sum + one.spec.memoryBytes, 0);
    ledger.memoryIs({ capacityBytes: host.memoryCapacityBytes, usedBytes: memoryBytes });
    return {
      host: host.name,
      name: host.name,
      cpuCapacityCores: host.cpuCapacityCores,
      memoryCapacityBytes: host.memoryCapacityBytes,
      cpuCores: cpuCores + ledger.incomingCpuCores - ledger.outgoingCpuCores,
      memoryBytes: memoryBytes + ledger.reservedMemoryBytes,
      freeSlotsIn: ledger.freeSlotsIn,
      freeSlotsOut: ledger.freeSlotsOut,
      draining: host.draining ?? false,
      networkBytesPerSecond: 0,
      networkCapacityBytesPerSecond: 0,
      antiAffinityGroups: [...groups, ...ledger.incomingGroups],
      affinityGroups: [],
      hypervisor: simHypervisor,
    };
  }

  #vmsOf(member: Member): VmFigures[] {
    return this.#guestsOf(member).flatMap((guest) => {
      const load = guest.estimate.value();
      if (guest.move || !load) return [];
      const policy = {
        pin: null,
        ignore: false,
        antiAffinityGroup: null,
        affinityGroup: null,
        ...guest.spec.policy,
      };
      const { vm, memoryBytes } = guest.spec;
      const { cooldownUntilMs, estimate } = guest;
      const { cpuNoiseShare } = estimate;
      return [{ vm, load, cpuNoiseShare, memoryBytes, policy, immovable: null, cooldownUntilMs }];
    });
  }

  /** Own figures as they are, the others' as gossip has them. */
  #viewOf(self: Member): HostFigures[] {
    return this.#members.map((member) =>
      member === self ? this.#figuresOf(self) : (member.figures.at(-1) ?? this.#figuresOf(member)),
    );
  }

  #look(member: Member): void {
    if (!member.source.roundDue(this.nowMs)) return;
    if (member.ledger.freeSlotsOut === 0) return;
    for (const reason of member.reasons) {
      if (this.#propose(member, reason)) return;
    }
  }

  #propose(member: Member, reason: ActionReason): boolean {
    const view = this.#viewOf(member);
    const vms = this.#vmsOf(member);
    const others = view.filter(
      ({ host }) => host !== member.host.name && !member.source.skips(host, this.nowMs),
    );
    const found = candidates({
      self: this.#figuresOf(member),
      vms,
      targets: sampleTargets(this.#prng, others, {
        count: defaultElectionParams.sampleSize,
        wanted: vms.flatMap((vm) => vm.policy.pin ?? []),
      }),
      reason,
      nowMs: this.nowMs,
      scale: scaleOf(view),
      params: this.#params,
      keepRefused: false,
    });
    const first = member.source.begin(found, this.nowMs);
    this.#send(member, first, reason);
    return first !== null;
  }

  #send(member: Member, choice: { vm: string; to: string } | null, reason: ActionReason): void {
    if (!choice) return;
    const figures = this.#vmsOf(member).find(({ vm }) => vm === choice.vm);
    const target = this.#members.find(({ host }) => host.name === choice.to);
    if (!figures || !target) throw new Error(`no such VM or host: ${choice.vm}, ${choice.to}`);
    const proposal: Proposal = {
      moveId: `${choice.vm}.${++this.#moveCount}.0000000000000000`,
      vm: choice.vm,
      source: member.host.name,
      sourceName: member.host.name,
      to: choice.to,
      reason,
      figures,
      from: this.#figuresOf(member),
    };
    if (!target.target.gather(proposal, this.nowMs)) this.#refuse(proposal);
  }

  #refuse(proposal: Proposal): void {
    this.refusals++;
    const member = this.#members.find(({ host }) => host.name === proposal.source);
    if (!member) return;
    this.#send(member, member.source.refused(proposal.to, this.nowMs), proposal.reason);
  }

  #decide(member: Member): void {
    const atMs = member.target.nextTimeoutMs;
    if (atMs === undefined || this.nowMs < atMs) return;
    const { refused } = member.target.decide({
      slots: member.ledger.freeSlotsIn,
      judge: (proposal) =>
        rescore({
          vm: proposal.figures,
          source: proposal.from,
          self: this.#figuresOf(member),
          reason: proposal.reason,
          scale: scaleOf(this.#viewOf(member)),
          params: this.#params,
        }),
      grant: (proposal) => this.#grant(member, proposal),
    });
    for (const { proposal } of refused) this.#refuse(proposal);
  }

  #grant(member: Member, { moveId, vm, source, figures, reason }: Proposal): void {
    const reservation = {
      moveId,
      vm,
      memoryBytes: figures.memoryBytes,
      cpuCores: figures.load.cpuCores,
      networkBytesPerSecond: 0,
      antiAffinityGroup: figures.policy.antiAffinityGroup,
      affinityGroup: null,
    };
    const from = this.#members.find(({ host }) => host.name === source);
    const guest = this.#guests.find(({ spec }) => spec.vm === vm);
    if (!from || !guest) throw new Error(`no such host or VM: ${source}, ${vm}`);
    member.ledger.reserveIn(reservation);
    from.ledger.reserveOut(reservation);
    from.source.end();
    const endMs = this.nowMs + (this.#options.moveMs ?? 3000);
    guest.move = { moveId, to: member.host.name, endMs, reason };
  }

  #endMove(guest: Guest): void {
    const { move, spec } = guest;
    if (!move || this.nowMs < move.endMs) return;
    const load = guest.estimate.value();
    const from = spec.host;
    spec.host = move.to;
    guest.move = null;
    guest.estimate = new LoadEstimate();
    if (load) guest.estimate.seed(load, this.nowMs);
    const sinceMs = guest.lastMoveMs === undefined ? undefined : this.nowMs - guest.lastMoveMs;
    guest.recentMoves = recentMovesAfter(guest.recentMoves, sinceMs, this.#params);
    guest.lastMoveMs = this.nowMs;
    guest.cooldownUntilMs = this.nowMs + coolDownMs(guest.recentMoves, this.#params);
    for (const member of this.#members) member.ledger.release(move.moveId);
    this.moves.push({ atMs: this.nowMs, vm: spec.vm, from, to: move.to, reason: move.reason });
  }

  #checkMemory(): void {
    for (const { host, ledger } of this.#members) {
      const used = this.#guests
        .filter(({ spec }) => spec.host === host.name)
        .reduce((sum, { spec }) => sum + spec.memoryBytes, 0);
      if (used + ledger.reservedMemoryBytes > host.memoryCapacityBytes) this.overcommitments++;
    }
  }
}
