/**
 * A few hosts with one service, no more than the steward's theory needs: rounds of a second, gossip
 * that is rounds late or lost, members that take a round or two to resume and to drain. Each host
 * has its own idea of who is live and how hot, as late as its gossip.
 */
import type { Prng } from "#lib/base/prng.ts";
import type { ServiceSpec } from "#lib/model/service.ts";
import { refusalOf } from "#lib/services/judge-proposal.ts";
import type { MemberEntry, MemberState } from "#lib/services/member-entry.ts";
import { defaultServiceParams } from "#lib/services/params.ts";
import type { ScaleProposal } from "#lib/services/scale-proposal.ts";
import type { DocumentMark, ServiceView } from "#lib/services/service-view.ts";
import { Steward } from "#lib/services/steward.ts";
import { memberEntry } from "./service-fixture.ts";

export interface TinyHost {
  readonly id: string;
  up: boolean;
  /** Hosts of one side talk to each other. */
  side: number;
  state: MemberState;
  outdated: boolean;
  draining: boolean;
  /** What it knows of the others' members, and when it heard it. */
  readonly heard: Map<string, { entry: MemberEntry; round: number }>;
  /** When it last heard anything of the others. */
  readonly heardAt: Map<string, number>;
  steward: Steward;
}

/** A host that was not heard of for so many rounds is suspected. */
export const silentRoundsMax = 9;
const roundMs = 1_000;
/** A member ends what it is doing in a round or two. */
const stepShare = 0.7;
const lossShare = 0.3;
/** Never so many losses in a row that a live host is suspected. */
const missedMax = 3;
/** News is so many rounds old at most when it arrives. */
const lateRoundsMax = 3;

export class TinyServices {
  readonly hosts: readonly TinyHost[];
  readonly spec: ServiceSpec;
  /** Members' worth of load at full share, on each side. */
  load = 0;
  round = 0;
  /** For a test to look at: what was granted in the last round. */
  granted: ScaleProposal[] = [];
  readonly #prng: Prng;
  /** What each host said of itself in the last rounds, newest first. */
  #said: ReadonlyMap<string, MemberEntry>[] = [];
  readonly #document: DocumentMark = { version: 1, hash: "aa" };

  constructor(prng: Prng, spec: ServiceSpec, hosts: number) {
    this.#prng = prng;
    this.spec = spec;
    this.hosts = Array.from({ length: hosts }, (_, at) => ({
      id: `12D3KooWhost${at}`,
      up: true,
      side: 0,
      state: "suspended",
      outdated: false,
      draining: false,
      heard: new Map(),
      heardAt: new Map(),
      steward: new Steward(defaultServiceParams),
    }));
    this.#gossip(0);
  }

  running(side: number): TinyHost[] {
    return this.hosts.filter((one) => one.up && one.side === side && one.state === "running");
  }

  sides(): number[] {
    return [...new Set(this.hosts.filter(({ up }) => up).map(({ side }) => side))];
  }

  /** The agent and its guest die at once; it comes back with an image that was not suspended. */
  kill(host: TinyHost): void {
    host.up = false;
    host.heard.clear();
    host.steward = new Steward(defaultServiceParams);
    host.state = host.state === "suspended" ? "suspended" : "stale";
    host.outdated = false;
  }

  /** One second. */
  step(): void {
    this.round++;
    this.granted = [];
    for (const host of this.hosts) if (host.up) this.#act(host);
    this.#gossip(lossShare);
    for (const host of this.#prng.shuffle(this.hosts)) {
      if (host.up) this.#look(host);
    }
  }

  #look(host: TinyHost): void {
    const nowMs = this.round * roundMs;
    for (const proposal of host.steward.look(this.#viewOf(host), nowMs)) {
      const target = this.hosts.find(({ id }) => id === proposal.host);
      if (!target?.up || target.side !== host.side) continue;
      const own = {
        draining: target.draining,
        freeMemoryBytes: 2 ** 40,
        restRefusal: null,
        knowsAll: true,
      };
      const refusal = refusalOf(proposal, this.#viewOf(target), own);
      if (refusal === null) this.#grant(target, proposal);
      host.steward.answered(target.id, refusal, nowMs);
    }
  }

  #grant(target: TinyHost, proposal: ScaleProposal): void {
    this.granted.push(proposal);
    if (proposal.change === "rest") target.state = "draining";
    else target.state = target.state === "draining" ? "running" : "resuming";
  }

  #act(host: TinyHost): void {
    if (this.#prng.nextShare() > stepShare) return;
    if (host.state === "resuming") host.state = "running";
    else if (host.state === "draining") host.state = host.outdated ? "staging" : "suspended";
    else if (host.state === "stale") host.state = "staging";
    else if (host.state === "staging") {
      host.state = "suspended";
      host.outdated = false;
    }
  }

  #gossip(loss: number): void {
    const alive = this.hosts.filter(({ up }) => up);
    const now = new Map(alive.map((host) => [host.id, this.#entryOf(host)]));
    this.#said = [now, ...this.#said].slice(0, lateRoundsMax + 1);
    for (const one of alive) {
      for (const other of alive.filter(({ side }) => side === one.side)) {
        const late = this.#prng.nextInt(this.#said.length);
        const entry = this.#said[late]?.get(other.id);
        const round = this.round - late;
        const missed = this.round - (one.heardAt.get(other.id) ?? 0);
        if (entry === undefined) continue;
        if (missed <= missedMax && this.#prng.nextShare() < loss) continue;
        one.heardAt.set(other.id, this.round);
        // Old news never replaces newer.
        if (round >= (one.heard.get(other.id)?.round ?? 0))
          one.heard.set(other.id, { entry, round });
      }
    }
  }

  #entryOf({ id, side, state, outdated }: TinyHost): MemberEntry {
    const share = Math.min(1, this.load / Math.max(1, this.running(side).length));
    const figures = state === "running" ? { cpuShare: share, sessions: 1 } : {};
    return memberEntry(id, { state, outdated, ...figures });
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
    const { spec } = this;
    return {
      spec,
      document: this.#document,
      self: host.id,
      hosts,
      members: [...members.values()],
      queued: 0,
    };
  }
}
