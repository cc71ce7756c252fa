/**
 * A few hosts with one service, no more than its theory needs: rounds of a second, gossip that is
 * rounds late or lost, operations that take a round or two and may fail. Each host has its own idea
 * of who is live, how hot, and which document holds, as late as its gossip.
 */
import type { Prng } from "#lib/base/prng.ts";
import type { ServiceSpec } from "#lib/model/service.ts";
import { refusalOf } from "#lib/services/judge-proposal.ts";
import type { MemberEntry } from "#lib/services/member-entry.ts";
import { OwnTurns } from "#lib/services/own-turns.ts";
import { defaultServiceParams } from "#lib/services/params.ts";
import type { ScaleProposal } from "#lib/services/scale-proposal.ts";
import type { ServiceView } from "#lib/services/service-view.ts";
import { keepsMember } from "#lib/services/staging.ts";
import { Steward } from "#lib/services/steward.ts";
import { ModelHost } from "./model-host.ts";
import { memberEntry } from "./service-fixture.ts";

export interface TinyHost {
  readonly id: string;
  readonly model: ModelHost;
  up: boolean;
  /** Hosts of one side talk to each other. */
  side: number;
  draining: boolean;
  /** The version of the document that it knows; each has a template of its own. */
  version: number;
  /** What it knows of the others' members, and how old it is. */
  readonly heard: Map<string, { entry: MemberEntry; round: number }>;
  /** How many messages in a row it missed of each of the others. */
  readonly missed: Map<string, number>;
  turns: OwnTurns;
  steward: Steward;
}

const roundMs = 1_000;
/** A host that was not heard of for so many rounds is suspected. */
export const silentRoundsMax = 9;
/** News is so many rounds old at most when it arrives. */
const lateRoundsMax = 3;
const lossShare = 0.5;
/** Never so many losses in a row that a live host is suspected. */
const missedMax = 3;
/** A member ends what it is doing in a round or two. */
const stepShare = 0.7;
/** News takes longer here than anywhere. */
const params = { ...defaultServiceParams, turnMs: 1_000 * (lateRoundsMax + missedMax + 2) };

export class TinyServices {
  readonly hosts: readonly TinyHost[];
  readonly spec: ServiceSpec;
  /** Members' worth of load at full share, on each side. */
  load = 0;
  /** Share of operations that fail. */
  failShare = 0;
  round = 0;
  /** What was granted in the last round. */
  granted: ScaleProposal[] = [];
  readonly #prng: Prng;
  /** What each host said of itself in the last rounds, newest first. */
  #said: ReadonlyMap<string, MemberEntry>[] = [];

  constructor(prng: Prng, spec: ServiceSpec, hosts: number) {
    this.#prng = prng;
    this.spec = spec;
    this.hosts = Array.from({ length: hosts }, (_, at) => ({
      id: `12D3KooWhost${at}`,
      model: new ModelHost(),
      up: true,
      side: 0,
      draining: false,
      version: 1,
      heard: new Map(),
      missed: new Map(),
      turns: new OwnTurns(`12D3KooWhost${at}`, params),
      steward: new Steward(params),
    }));
    for (const host of this.hosts) this.#stageAtOnce(host);
    this.#gossip(0);
  }

  running(side: number): TinyHost[] {
    return this.hosts.filter(
      ({ up, side: own, model }) => up && own === side && model.member.state === "running",
    );
  }

  sides(): number[] {
    return [...new Set(this.hosts.filter(({ up }) => up).map(({ side }) => side))];
  }

  /** The power fails: the agent and its guest are gone at once. */
  kill(host: TinyHost): void {
    host.up = false;
  }

  /** A host that was killed comes back; of one that is up, only the agent starts again. */
  restart(host: TinyHost): void {
    const progress = this.#prng.pick(["not begun", "half", "done"] as const) ?? "half";
    host.model.restart({ progress, powerCut: !host.up });
    host.up = true;
    host.heard.clear();
    host.missed.clear();
    host.turns = new OwnTurns(host.id, params);
    host.steward = new Steward(params);
  }

  /** A new template is declared on this host, and the others hear of it. */
  declare(host: TinyHost): void {
    host.version = Math.max(...this.hosts.map(({ version }) => version)) + 1;
  }

  /** A host's wish reaches whoever is the steward; no other takes it on. */
  shift(from: TinyHost, to: TinyHost): void {
    const nowMs = this.round * roundMs;
    for (const { steward } of this.hosts) steward.shift({ from: from.id, to: to.id }, nowMs);
  }

  /** One second. */
  step(): void {
    this.round++;
    this.granted = [];
    for (const host of this.hosts) {
      host.model.nowMs = this.round * roundMs;
      if (host.up) this.#work(host);
    }
    this.#gossip(lossShare);
    for (const host of this.#prng.shuffle(this.hosts)) {
      if (host.up) this.#look(host);
    }
  }

  #stageAtOnce({ model }: TinyHost): void {
    model.declare({ digest: "template 1" });
    model.tell({ type: "mayStage" });
    model.endOp("ok");
    model.endOp("ok");
  }

  #work({ model }: TinyHost): void {
    model.tell({ type: "timeout" });
    if (this.#prng.nextShare() > stepShare) return;
    if (model.member.state === "draining") model.drained();
    else model.endOp(this.#prng.nextShare() < this.failShare ? "failed" : "ok");
  }

  #look(host: TinyHost): void {
    const nowMs = this.round * roundMs;
    const view = this.#viewOf(host);
    const hosts = view.hosts.map(({ host: id }) => id);
    const staged = keepsMember(view.spec, { self: host.id, hosts, members: view.members });
    host.model.declare({ staged, digest: `template ${host.version}` });
    if (host.turns.due(view.members, nowMs).length > 0) host.model.tell({ type: "mayStage" });
    for (const proposal of host.steward.look(this.#viewOf(host), nowMs)) {
      const target = this.hosts.find(({ id }) => id === proposal.host);
      if (!target?.up || target.side !== host.side) continue;
      const refusal = this.#judge(target, proposal);
      host.steward.answered(target.id, refusal, nowMs);
    }
  }

  #judge(target: TinyHost, proposal: ScaleProposal): string | null {
    const refusal = refusalOf(proposal, this.#viewOf(target), {
      draining: target.draining,
      freeMemoryBytes: 2 ** 40,
      cpuCores: 1,
      restRefusal: target.model.member.restRefusal(target.model.nowMs),
      knowsAll: true,
    });
    if (refusal !== null) return refusal;
    this.granted.push(proposal);
    target.model.tell({ type: proposal.change });
    return null;
  }

  #gossip(loss: number): void {
    const alive = this.hosts.filter(({ up }) => up);
    const now = new Map(alive.map((host) => [host.id, this.#entryOf(host)]));
    this.#said = [now, ...this.#said].slice(0, lateRoundsMax + 1);
    for (const one of alive) {
      for (const other of alive.filter(({ side }) => side === one.side)) {
        this.#hear(one, other, loss);
      }
    }
  }

  #hear(one: TinyHost, other: TinyHost, loss: number): void {
    const late = this.#prng.nextInt(this.#said.length);
    const entry = this.#said[late]?.get(other.id);
    if (entry === undefined) return;
    const missed = one.missed.get(other.id) ?? 0;
    const isLost = missed < missedMax && this.#prng.nextShare() < loss;
    one.missed.set(other.id, isLost ? missed + 1 : 0);
    if (isLost) return;
    one.version = Math.max(one.version, other.version);
    // Old news never replaces newer.
    const round = this.round - late;
    if (round >= (one.heard.get(other.id)?.round ?? 0)) one.heard.set(other.id, { entry, round });
  }

  #entryOf({ id, side, model: { member, nowMs } }: TinyHost): MemberEntry {
    const share = Math.min(1, this.load / Math.max(1, this.running(side).length));
    const figures = member.state === "running" ? { cpuShare: share, sessions: 1 } : {};
    const { state, outdated, obstacle } = member;
    return memberEntry(id, {
      state,
      outdated,
      obstacle,
      waiting: member.waiting(nowMs),
      ...figures,
    });
  }

  #viewOf(host: TinyHost): ServiceView {
    const members = new Map(
      [...host.heard]
        .filter(([, { round }]) => this.round - round <= silentRoundsMax)
        .map(([id, { entry }]) => [id, entry]),
    );
    members.set(host.id, this.#entryOf(host));
    const hosts = [...members.keys()].map((id) => ({
      host: id,
      draining: this.hosts.find((one) => one.id === id)?.draining ?? false,
      utilisation: this.#prng.nextShare(),
      freeMemoryBytes: 2 ** 40,
    }));
    return {
      spec: this.spec,
      document: { version: host.version, hash: "aa" },
      self: host.id,
      hosts,
      members: [...members.values()],
      queued: 0,
    };
  }
}
