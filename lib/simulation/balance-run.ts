import { Prng } from "../base/prng.ts";
import { Node } from "../core/node.ts";
import { type CoreSettings, defaultCoreSettings } from "../core/node-options.ts";
import type { VmName } from "../model/ids.ts";
import type { VmSpec } from "../model/vm-spec.ts";
import type { ClusterModel, ModelVm, Spread } from "./cluster-model.ts";
import { type FaultKind, type LoggedFault, planFaults } from "./fault-plan.ts";
import { type CentralReference, LevellingGoal } from "./levelling-goal.ts";
import { ModelWorkload } from "./model-workload.ts";
import { type LoggedMove, type MovePlan, MoveRecorder } from "./move-recorder.ts";
import { quietNetwork } from "./network-options.ts";
import { RunJudge } from "./run-judge.ts";
import { RunStanding } from "./run-standing.ts";
import { simVmSpec } from "./sim-cluster.ts";
import type { SimFact } from "./sim-fact.ts";
import { SimWorld } from "./sim-world.ts";
import { vmAliases } from "./vm-aliases.ts";
import { NoisyWorkload, type Workload } from "./workload.ts";

export interface BalanceOptions {
  readonly model: ClusterModel;
  /** Virtual time to run, s. */
  readonly seconds: number;
  readonly seed: number;
  /** The agents are told so and plan for it, and nothing is granted after so many moves. */
  readonly maxMoves?: number;
  /** How far each sample of a VM's CPU is off, 0..1. */
  readonly noiseShare?: number;
  /** Probability that a datagram is lost, 0..1. */
  readonly lossShare?: number;
  /** Kinds of faults that befall the hosts at random times; none by default. */
  readonly faults?: readonly FaultKind[];
  /** Loads that change; by default each VM asks for what the model says, for ever. */
  readonly workload?: Workload;
  readonly settings?: Partial<CoreSettings>;
  /** Speed of a migration stream, bytes a second; a network of 10 Gbit/s by default. */
  readonly bandwidthBytesPerSecond?: number;
  /** False to do without the checkers. */
  readonly check?: boolean;
  /** Called after each virtual second. */
  readonly progress?: (progress: BalanceProgress) => void;
}

export interface BalanceProgress {
  readonly second: number;
  readonly moves: number;
  readonly spread: Spread;
  /** By host, in the model's order; the arrays are used again. */
  readonly cpuShares: readonly number[];
  readonly memoryShares: readonly number[];
}

/** What came of a run. Loads are true ones: noise is in what agents see only. */
export interface BalanceResult {
  readonly hosts: number;
  readonly vms: number;
  readonly moves: number;
  readonly movedBytes: number;
  /** Until 95 % of what the central greedy improves cpuSd + memSd by; null if never, or if loads change. */
  readonly secondsTo95: number | null;
  readonly before: Spread;
  readonly after: Spread;
  readonly placement: Readonly<Record<string, string>>;
  readonly refusals: number;
  readonly moveLog: readonly LoggedMove[];
  readonly messagesPerHostPerSecond: number;
  readonly bytesPerHostPerSecond: number;
  readonly violations: number;
  readonly seconds: number;
  readonly seed: number;
  /** Sum over the seconds of the VMs on hosts whose demand was above their CPU capacity. */
  readonly contentionVmSeconds: number;
  /** Null where loads change. */
  readonly central: CentralReference | null;
  readonly faults: readonly LoggedFault[];
  /** VMs that faults have ended for good: they are in no placement. */
  readonly vmsDown: number;
  /** The first violations, in words. */
  readonly violationLog: readonly string[];
}

/** 1 GiB a second: what a move gets out of 10 Gbit/s. */
const defaultBandwidth = 2 ** 30;
/** Agents start cold within this time of each other, ms. */
const startMsMax = 2_000;

/** Lets the agents of a whole cluster level it on a virtual clock. The same options, the same run. */
export function runBalance(options: BalanceOptions): BalanceResult {
  return new BalanceRun(options).run();
}

class BalanceRun {
  readonly #options: BalanceOptions;
  readonly #world: SimWorld;
  readonly #workload: Workload;
  readonly #judge: RunJudge | undefined;
  readonly #recorder: MoveRecorder;
  readonly #standing: RunStanding;
  readonly #goal: LevellingGoal | undefined;
  readonly #vms: { readonly spec: VmSpec; readonly vm: ModelVm }[] = [];
  readonly #vmIndex = new Map<VmName, number>();
  readonly #hostIndex = new Map<string, number>();
  readonly #moveLog: LoggedMove[] = [];
  #movedBytes = 0;
  #stepsSeen = 0;
  #contendedSeconds = 0;
  #secondsTo95: number | null = null;

  constructor(options: BalanceOptions) {
    const { model, seed, maxMoves = Number.POSITIVE_INFINITY, noiseShare = 0 } = options;
    const aliases = vmAliases(model.vms);
    this.#options = options;
    this.#workload = options.workload ?? new ModelWorkload(aliases);
    this.#standing = new RunStanding(model);
    this.#recorder = new MoveRecorder(maxMoves);
    this.#goal = options.workload ? undefined : new LevellingGoal(model);
    const noise = new Prng(`noise.${seed}`);
    const seen =
      noiseShare > 0 ? new NoisyWorkload(this.#workload, noiseShare, noise) : this.#workload;
    const bandwidth = options.bandwidthBytesPerSecond ?? defaultBandwidth;
    const world = new SimWorld({
      seed,
      makeNode: (nodeOptions) => new Node(nodeOptions),
      // Agents read what their network card claims: it is what a move may get.
      hosts: model.hosts.map((host) => ({ ...host, networkCapacityBytesPerSecond: bandwidth })),
      workload: seen,
      network: { ...quietNetwork, datagramLossShare: options.lossShare ?? 0 },
      bandwidthBytesPerSecond: bandwidth,
      settings: { ...defaultCoreSettings, movesMax: options.maxMoves, ...options.settings },
    });
    this.#world = world;
    world.admissionRefusal = (moveId) => this.#recorder.admissionRefusal(moveId, world.clock.nowMs);
    this.#judge = options.check === false ? undefined : new RunJudge(world);
    for (const [index, host] of world.hosts.entries()) this.#hostIndex.set(host, index);
    this.#placeVms(aliases);
    world.onFact((fact, nowMs) => this.#observe(fact, nowMs), ["sent", "persisted", "copyChanged"]);
  }

  run(): BalanceResult {
    const { seconds, seed } = this.#options;
    const world = this.#world;
    this.#recount();
    const before = this.#standing.spread();
    const faults = planFaults({ world, kinds: this.#options.faults ?? [], seconds, seed });
    const starts = new Prng(`starts.${seed}`);
    for (const host of world.hosts) {
      world.clock.after(starts.nextShare() * startMsMax, () => world.startAgent(host));
    }
    for (let second = 1; second <= seconds; second++) {
      world.runFor(1_000);
      this.#look(second);
    }
    this.#recount();
    return this.#result(before, faults);
  }

  #placeVms(aliases: ReadonlyMap<VmName, ModelVm>): void {
    const { model } = this.#options;
    const world = this.#world;
    const hostIds = new Map(
      model.hosts.map((host, index) => [host.name, world.hosts[index] ?? ""]),
    );
    world.presetMode("act");
    for (const [alias, vm] of aliases) {
      const spec = { ...simVmSpec(alias, vm.memoryBytes), vcpus: vm.vcpus };
      this.#vmIndex.set(alias, this.#vms.length);
      this.#vms.push({ spec, vm });
      world.placeVm(hostIds.get(vm.host) ?? "", spec);
    }
  }

  #observe(fact: SimFact, nowMs: number): void {
    const plan = this.#recorder.observe(fact);
    if (fact.type !== "copyChanged") return;
    const { vm: alias, after, cause } = fact.change;
    const index = this.#vmIndex.get(alias) ?? -1;
    const host = this.#hostIndex.get(fact.host) ?? -1;
    if (plan) this.#logMove({ index, host, plan, nowMs });
    const runs = after !== null && after.sinceMs !== null;
    if (runs) this.#standing.runs(index, host);
    else if (cause === "fault") this.#standing.ended(index, host);
  }

  #logMove(move: { index: number; host: number; plan: MovePlan; nowMs: number }): void {
    const { index, host, plan, nowMs } = move;
    const moved = this.#vms[index];
    if (moved === undefined) return;
    const { hosts } = this.#options.model;
    this.#movedBytes += this.#workload.loadOf(moved.spec, nowMs).residentBytes;
    this.#moveLog.push({
      second: Math.round(nowMs) / 1000,
      vm: moved.vm.name,
      from: hosts[this.#standing.hostOf(index)]?.name ?? "",
      to: hosts[host]?.name ?? "",
      ...plan,
    });
  }

  /** Where loads change, what they truly are now. */
  #recount(): void {
    const { nowMs } = this.#world.clock;
    if (this.#options.workload) {
      for (const [index, { spec }] of this.#vms.entries()) {
        this.#standing.setCpu(index, this.#workload.loadOf(spec, nowMs).cpuCores);
      }
    }
    this.#standing.recount();
  }

  /** A workload that changes in steps is looked at after each of them. */
  #recountIfDue(second: number): void {
    const stepMs = this.#options.workload?.stepMs ?? 0;
    const steps = stepMs > 0 ? Math.floor((second * 1_000) / stepMs) : second;
    if (steps === this.#stepsSeen) return;
    this.#stepsSeen = steps;
    this.#recount();
  }

  #look(second: number): void {
    const standing = this.#standing;
    if (this.#options.workload) this.#recountIfDue(second);
    this.#contendedSeconds += standing.contendedVms();
    const { progress } = this.#options;
    const wanted = this.#goal !== undefined && this.#secondsTo95 === null;
    if (!wanted && !progress) return;
    const spread = standing.spread();
    if (wanted && this.#goal?.isReached(spread)) this.#secondsTo95 = second;
    const { cpuShares, memoryShares } = standing;
    progress?.({ second, moves: this.#recorder.done, spread, cpuShares, memoryShares });
  }

  #result(before: Spread, faults: readonly LoggedFault[]): BalanceResult {
    const { model, seconds, seed } = this.#options;
    const { sentMessages, sentBytes } = this.#world.network;
    const hostSeconds = Math.max(1, model.hosts.length * seconds);
    return {
      hosts: model.hosts.length,
      vms: model.vms.length,
      moves: this.#recorder.done,
      movedBytes: this.#movedBytes,
      secondsTo95: this.#secondsTo95,
      before,
      after: this.#standing.spread(),
      placement: Object.fromEntries(this.#standing.placement()),
      refusals: this.#recorder.refusals,
      moveLog: this.#moveLog,
      messagesPerHostPerSecond: sentMessages / hostSeconds,
      bytesPerHostPerSecond: sentBytes / hostSeconds,
      violations: this.#judge?.count ?? 0,
      seconds,
      seed,
      contentionVmSeconds: this.#contendedSeconds,
      central: this.#goal?.central ?? null,
      faults,
      vmsDown: this.#standing.downCount,
      violationLog: this.#judge?.told ?? [],
    };
  }
}
