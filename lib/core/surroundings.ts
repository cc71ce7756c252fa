import type { Ledger } from "../ledger/ledger.ts";
import type { HostSummary } from "../model/host.ts";
import type { HostId } from "../model/ids.ts";
import type { MoveOutcome } from "../model/move-outcome.ts";
import { type Extremes, extremesOf } from "../planning/extremes.ts";
import {
  figuresOfSummary,
  type HostFigures,
  leastUtilisation,
  levelUtilisation,
  type Utilisation,
} from "../planning/host-figures.ts";
import { type CapacityScale, scaleOf } from "../planning/potential.ts";
import { anyRuleBroken } from "../planning/rules.ts";
import type { VmFigures } from "../planning/vm-figures.ts";
import type { Cluster } from "./cluster.ts";
import { Companions } from "./companions.ts";
import { figuresOfGuest, type GuestTable } from "./guest-table.ts";
import { type MoveTable, moveOfGuest } from "./move-table.ts";
import { ownFigures, protocolVersions } from "./own-figures.ts";
import type { Self } from "./self.ts";
import type { HostNews } from "./settled-view.ts";

export interface SurroundingsOptions {
  readonly self: Self;
  readonly cluster: Cluster;
  readonly guests: GuestTable;
  readonly moves: MoveTable;
  readonly ledger: Ledger;
}

/** In a large cluster the figures of the others are worked out anew no more often, ms. */
const othersKeptMs = { large: 1_900, vast: 2_900 } as const;

/** The other hosts' figures, and what a look at all of them showed once somebody asked. */
interface Others {
  readonly changes: number;
  readonly atMs: number;
  readonly figures: readonly HostFigures[];
  /** Those of them that have measured their guests. */
  readonly measured: HostFigures[];
  /** By host its index among those, once somebody asked. */
  places?: Map<HostId, number>;
  least?: Utilisation | undefined;
  extremes?: Extremes;
  /** These two in a large cluster only. */
  mean?: Utilisation;
  scale?: CapacityScale;
}

/** What planning sees of a summary, made once for each: neither ever changes. */
const figuresBySummary = new WeakMap<HostSummary, HostFigures>();

/** The cluster as planning sees it from here: own figures fresh, the others' as gossiped. */
export class Surroundings {
  readonly companions = new Companions();
  readonly #options: SurroundingsOptions;
  /** Worked out once for each state of the cluster: planning asks several times in one look. */
  #others: Others | undefined;

  constructor(options: SurroundingsOptions) {
    this.#options = options;
  }

  own(): HostFigures {
    const { self, guests, ledger } = this.#options;
    return ownFigures(self, guests, ledger);
  }

  /** What the others will hear of this host. */
  ownNews(): HostNews {
    const { guests, ledger } = this.#options;
    const vms = guests.all().map(({ owned }) => owned.spec);
    const promisedCores = ledger.incomingCpuCores - ledger.outgoingCpuCores;
    return { promisedCores, vmCount: vms.length, vms };
  }

  /**
   * Live members that speak our protocol and know their own size, without this one. In a large
   * cluster those heard of a short while ago, and those that own VMs are pinned to.
   */
  others(): readonly HostFigures[] {
    return this.#look().figures;
  }

  /**
   * Those of them that have measured their guests: what levels is weighed against no others. A load
   * that nobody has measured yet would pass for room.
   */
  measured(): readonly HostFigures[] {
    return this.#look().measured;
  }

  #look(): Others {
    const { cluster } = this.#options;
    const { changes, nowMs: atMs } = cluster;
    const known = this.#others;
    if (known?.changes === changes) return known;
    // A record comes every 50 ms; what gossip is seconds late with need not be newer than two looks.
    const keptMs = cluster.view.isVast ? othersKeptMs.vast : othersKeptMs.large;
    if (known && cluster.view.isLarge && atMs < known.atMs + keptMs) return known;
    const figures: HostFigures[] = [];
    const measured: HostFigures[] = [];
    for (const { host, body } of cluster.live()) {
      if (!isEligible(body)) continue;
      const one = figuresOnce(host, body);
      figures.push(one);
      if (body.measuring !== true) measured.push(one);
    }
    if (cluster.view.isLarge) {
      this.#addPinned(figures);
      cluster.heard.take();
    }
    this.#others = { changes, atMs, figures, measured };
    return this.#others;
  }

  /** The same of one host, however long it was not heard of; undefined when it is none of those. */
  figuresOf(host: HostId): HostFigures | undefined {
    const { cluster } = this.#options;
    const summary = cluster.view.summaryOf(host)?.record.body;
    if (!summary || !cluster.isLive(host) || !isEligible(summary)) return undefined;
    return figuresOnce(host, summary);
  }

  /** Only the named host will do for a pinned VM, whether there is fresh news of it or not. */
  #addPinned(figures: HostFigures[]): void {
    const { self, cluster, guests } = this.#options;
    const names = new Set<string>();
    for (const { owned } of guests.all()) {
      const { pin } = owned.spec.policy;
      if (pin !== null && pin !== self.options.name) names.add(pin);
    }
    if (names.size === 0) return;
    for (const host of cluster.view.hosts()) {
      const name = cluster.view.summaryOf(host)?.record.body.name;
      if (name === undefined || !names.has(name)) continue;
      const pinned = this.figuresOf(host);
      if (pinned && !figures.some((one) => one.host === host)) figures.push(pinned);
    }
  }

  /**
   * Somebody is about to plan: what is kept for a moment in a large cluster learns what hosts have
   * told since. To work all out anew would make a look three times as dear.
   */
  renew(): void {
    const known = this.#others;
    if (!known || !this.#isKept()) return;
    known.places ??= new Map(known.measured.map(({ host }, place) => [host, place]));
    const { cluster } = this.#options;
    for (const { host, body } of cluster.heard.take()) {
      // Words of a suspect come round as well.
      if (!cluster.isLive(host) || !isEligible(body) || body.measuring === true) continue;
      const place = known.places.get(host) ?? known.measured.length;
      known.places.set(host, place);
      known.measured[place] = figuresOnce(host, body);
    }
  }

  mean(): Utilisation {
    const others = this.#look();
    if (!this.#isKept()) return levelUtilisation([this.own(), ...others.measured]);
    others.mean ??= levelUtilisation([this.own(), ...others.measured]);
    return others.mean;
  }

  least(): Utilisation | undefined {
    const others = this.#look();
    others.least ??= leastUtilisation(others.measured);
    return others.least;
  }

  /** Of the other hosts that are measured. */
  extremes(): Extremes {
    const others = this.#look();
    others.extremes ??= extremesOf(others.measured);
    return others.extremes;
  }

  scale(): CapacityScale {
    const others = this.#look();
    if (!this.#isKept()) return scaleOf([this.own(), ...others.figures]);
    others.scale ??= scaleOf([this.own(), ...others.figures]);
    return others.scale;
  }

  /** Among so many hosts this one's own load, ever new, hardly counts. */
  #isKept(): boolean {
    return this.#options.cluster.view.isLarge;
  }

  ownVms(nowMs: number): readonly VmFigures[] {
    const { guests, moves } = this.#options;
    const barredByVm = guests.refusals.barred(nowMs);
    const vms = guests.all().map((guest) => {
      const { name } = guest.owned.spec;
      const figures = figuresOfGuest(guest, moveOfGuest(moves.ofVm(name), nowMs));
      const barred = barredByVm.get(name);
      return barred ? { ...figures, barred } : figures;
    });
    const hosts = { own: () => this.own(), others: () => this.others() };
    return this.companions.complete(vms, hosts, nowMs);
  }

  /** Names of hosts that some own VM's rules ask for: a sample without them serves no such VM. */
  wantedNames(nowMs: number): readonly string[] {
    return this.ownVms(nowMs).flatMap((vm) => [
      ...(vm.policy.pin === null ? [] : [vm.policy.pin]),
      ...(vm.gatherAt ? [vm.gatherAt.name] : []),
    ]);
  }

  brokenRules(nowMs: number): boolean {
    return anyRuleBroken(this.own(), this.ownVms(nowMs));
  }

  /** What the other hosts tell of the moves that they were the source of. */
  gossipedOutcomes(): readonly MoveOutcome[] {
    const { self, cluster } = this.#options;
    return cluster.view
      .hosts()
      .filter((host) => host !== self.options.self)
      .flatMap((host) => cluster.view.inventoryOf(host)?.record.body.outcomes ?? []);
  }

  /** The host's display name: its own, suffixed where two hosts bear the same. */
  nameOf(host: HostId): string {
    const { self, cluster } = this.#options;
    const name =
      host === self.options.self
        ? self.options.name
        : (cluster.view.summaryOf(host)?.record.body.name ?? host);
    return cluster.view.isShared(name) ? `${name}-${host.slice(-6).toLowerCase()}` : name;
  }
}

function figuresOnce(host: HostId, summary: HostSummary): HostFigures {
  let figures = figuresBySummary.get(summary);
  if (!figures) {
    figures = figuresOfSummary(host, summary);
    figuresBySummary.set(summary, figures);
  }
  return figures;
}

function isEligible(summary: HostSummary): boolean {
  if (summary.presence !== "here" || summary.cpuCapacityCores === 0) return false;
  return summary.protocolMin <= protocolVersions.max && summary.protocolMax >= protocolVersions.min;
}
