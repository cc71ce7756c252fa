import { Prng } from "#lib/base/prng.ts";
import { ExchangeDesk } from "#lib/core/exchange-desk.ts";
import { GuestTable, newOwnedVm } from "#lib/core/guest-table.ts";
import { MoveHistory } from "#lib/core/move-history.ts";
import { defaultCoreSettings } from "#lib/core/node-options.ts";
import { Outbox } from "#lib/core/outbox.ts";
import type { Self } from "#lib/core/self.ts";
import type { Surroundings } from "#lib/core/surroundings.ts";
import { Ledger } from "#lib/ledger/ledger.ts";
import type { HostId, VmName } from "#lib/model/ids.ts";
import type { VmEntry } from "#lib/model/vm.ts";
import type { HostFigures } from "#lib/planning/host-figures.ts";
import { defaultPlanningParams } from "#lib/planning/params.ts";
import { scaleOf } from "#lib/planning/potential.ts";
import type { VmFigures } from "#lib/planning/vm-figures.ts";
import type { Message, MessageType } from "#lib/wire/messages.ts";
import { spec } from "./move-fixture.ts";
import { hostFigures, simHypervisor, vmFigures } from "./planning-figures.ts";

const GIB = 2 ** 30;
export const vmBytes = 10 * GIB;

/** A VM whose memory is a tenth of a host's. */
export function bigVm(name: VmName, cpuCores: number, changes: Partial<VmFigures> = {}): VmFigures {
  const base = vmFigures(name, { cpuCores, memoryBytes: vmBytes });
  return { ...base, load: { ...base.load, residentBytes: vmBytes }, ...changes };
}

/** One ExchangeDesk among hosts that it is told of; what it proposes and says is kept. */
export class ExchangeBench {
  readonly ledger = new Ledger();
  readonly history = new MoveHistory();
  readonly guests = new GuestTable();
  readonly desk: ExchangeDesk;
  readonly proposed: string[] = [];
  nowMs = 100_000;
  own: HostFigures;
  others: HostFigures[];
  vms: VmFigures[];
  /** What the balancer answers to a leg. */
  objection: string | null = null;
  underWay = false;
  held: string | null = null;
  readonly inventories = new Map<HostId, VmFigures[]>();
  readonly #outbox = new Outbox();

  /** `busy` is full and hot, `idle` full and cold, `third` has a little room. */
  constructor(self: "busy" | "idle" | "third") {
    const hosts = [
      hostFigures("busy", { cpuCores: 9, memoryBytes: 95 * GIB }),
      hostFigures("idle", { cpuCores: 1, memoryBytes: 95 * GIB }),
      hostFigures("third", { cpuCores: 5, memoryBytes: 88 * GIB }),
    ];
    const vms = new Map([
      ["busy", [bigVm("b1", 3), bigVm("b2", 1)]],
      ["idle", [bigVm("i1", 0.1), bigVm("i2", 0.3)]],
      ["third", []],
    ]);
    this.own = hosts.find(({ host }) => host === self) ?? hostFigures(self);
    this.others = hosts.filter(({ host }) => host !== self);
    this.vms = vms.get(self) ?? [];
    for (const { host } of this.others) this.inventories.set(host, vms.get(host) ?? []);
    this.desk = this.#makeDesk(self);
  }

  #makeDesk(self: HostId): ExchangeDesk {
    const { guests, vms } = this;
    for (const { vm } of vms) guests.own(newOwnedVm({ ...spec, name: vm }, 1, "running"), null, 0);
    const surroundings: Partial<Surroundings> = {
      own: () => this.own,
      others: () => this.others,
      ownVms: () => this.vms,
      scale: () => scaleOf([this.own, ...this.others]),
      nameOf: (host) => host,
    };
    return new ExchangeDesk({
      self: selfOf(self),
      outbox: this.#outbox,
      prng: new Prng(1),
      guests,
      ledger: this.ledger,
      history: this.history,
      surroundings: surroundings as Surroundings,
      planning: defaultPlanningParams,
      wallOffsetMs: () => 0,
      heldBack: () => this.held,
      inventoryOf: (host) => (this.inventories.get(host) ?? []).map(entryOf),
      underWay: () => this.underWay,
      propose: (vm, target) => {
        if (this.objection === null) this.proposed.push(`${vm} to ${target}`);
        return this.objection;
      },
    });
  }

  /** Rounds of the balancer that find nothing, one a second. */
  rounds(count: number): void {
    for (let i = 0; i < count; i++) {
      this.nowMs += 1_000;
      this.desk.noMoveFits(this.nowMs);
    }
  }

  /** Lets time pass with a look every half a second. */
  wait(ms: number): void {
    for (const untilMs = this.nowMs + ms; this.nowMs < untilMs; ) {
      this.nowMs += 500;
      this.desk.timeout(this.nowMs);
    }
  }

  /** Messages of this type since the last call, with their receivers; the others are dropped. */
  said<Type extends MessageType>(
    type: Type,
  ): { to: HostId; message: Extract<Message, { type: Type }> }[] {
    return this.#outbox
      .take()
      .flatMap((effect) =>
        effect.type === "send" && effect.message.type === type
          ? [{ to: effect.to, message: effect.message as Extract<Message, { type: Type }> }]
          : [],
      );
  }
}

function entryOf(vm: VmFigures): VmEntry {
  const { load, memoryBytes, policy, immovable } = vm;
  return {
    ...{ name: vm.vm, version: 1, state: "running", vcpus: 1, load, memoryBytes, policy },
    ...{ immovable, move: null, moveTarget: null },
  };
}

function selfOf(self: HostId): Self {
  return {
    options: {
      ...{ self, name: self, keyed: true, agentVersion: "0", seed: "1" },
      settings: defaultCoreSettings,
    },
    instance: "00",
    wallOffsetMs: 0,
    startedAtMs: 0,
    presence: "here",
    draining: false,
    addresses: [],
    probePort: 0,
    hypervisor: simHypervisor,
    measuring: false,
    hostLoad: null,
    cloneUntilMs: 0,
  };
}
