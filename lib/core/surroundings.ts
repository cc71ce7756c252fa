import type { Ledger } from "../ledger/ledger.ts";
import type { HostId } from "../model/ids.ts";
import type { MoveOutcome } from "../model/move-outcome.ts";
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

export interface SurroundingsOptions {
  readonly self: Self;
  readonly cluster: Cluster;
  readonly guests: GuestTable;
  readonly moves: MoveTable;
  readonly ledger: Ledger;
}

/** The cluster as planning sees it from here: own figures fresh, the others' as gossiped. */
export class Surroundings {
  readonly companions = new Companions();
  readonly #options: SurroundingsOptions;

  constructor(options: SurroundingsOptions) {
    this.#options = options;
  }

  own(): HostFigures {
    const { self, guests, ledger } = this.#options;
    return ownFigures(self, guests, ledger);
  }

  /** Live members that speak our protocol and know their own size, without this one. */
  others(): readonly HostFigures[] {
    const { cluster } = this.#options;
    const figures: HostFigures[] = [];
    for (const host of cluster.live()) {
      const summary = cluster.view.summaryOf(host)?.record.body;
      if (summary?.presence !== "here" || summary.cpuCapacityCores === 0) continue;
      if (summary.protocolMin > protocolVersions.max) continue;
      if (summary.protocolMax < protocolVersions.min) continue;
      figures.push(figuresOfSummary(host, summary));
    }
    return figures;
  }

  mean(): Utilisation {
    return levelUtilisation([this.own(), ...this.others()]);
  }

  least(): Utilisation | undefined {
    return leastUtilisation(this.others());
  }

  scale(): CapacityScale {
    return scaleOf([this.own(), ...this.others()]);
  }

  ownVms(nowMs: number): readonly VmFigures[] {
    const { guests, moves } = this.#options;
    const vms = guests
      .all()
      .map((guest) => figuresOfGuest(guest, moveOfGuest(moves.ofVm(guest.owned.spec.name), nowMs)));
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
    const bare = (one: HostId) =>
      one === self.options.self
        ? self.options.name
        : (cluster.view.summaryOf(one)?.record.body.name ?? one);
    const name = bare(host);
    const twin = [self.options.self, ...cluster.view.hosts()].some(
      (one) => one !== host && bare(one) === name,
    );
    return twin ? `${name}-${host.slice(-6).toLowerCase()}` : name;
  }
}
