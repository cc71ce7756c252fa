/**
 * Guests as libvirt's domains, driven through virsh: no binding, no own protocol code.
 *
 * Responsible for: the domains that evenkeel starts or is given, their managed saves, their moves.
 * How: one virsh that stays answers questions, one carries out orders, one tells events; what takes
 * long has a process of its own. What is true of a copy is asked from libvirt each time; a small
 * record a VM says what libvirt cannot: whose move it is. How a migration ended is read from what
 * both daemons left, never chosen.
 * Never: decides about a move, runs a shell, lets libvirt autostart a guest.
 */
import { join } from "node:path";
import type { IncomingDoor, OutgoingDoor } from "#agent/ports/channel.ts";
import type {
  Hypervisor,
  MigrateOutEnd,
  MigrateOutOrder,
  VmUsage,
} from "#agent/ports/hypervisor.ts";
import type { CopyReport } from "#lib/model/copy.ts";
import type { HypervisorFacts } from "#lib/model/host.ts";
import type { MoveOffer, MoveVerdict } from "#lib/model/host-op.ts";
import type { MoveId, VmName } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { named } from "../qemu/named-error.ts";
import { removeProofs } from "../qemu/storage-proof.ts";
import { DomainTable } from "./domain-table.ts";
import { libvirtFacts } from "./facts.ts";
import * as life from "./libvirt-life.ts";
import { type LibvirtDriverOptions, libvirtSettings, seenPath } from "./libvirt-options.ts";
import type { LibvirtParts } from "./libvirt-parts.ts";
import { libvirtUsage } from "./libvirt-usage.ts";
import { listDomains } from "./list-domains.ts";
import { moveSocket } from "./move-paths.ts";
import * as atSource from "./move-source.ts";
import * as atTarget from "./move-target.ts";
import { libvirtVerdict } from "./move-verdict.ts";
import { VirshEvents } from "./virsh-events.ts";
import { VirshSession } from "./virsh-session.ts";
import { VmRecords } from "./vm-record.ts";

/** Events of one happening come in a burst; watchers hear of it once. */
const COALESCE_MS = 30;
/** A target reads the proof of a shared disk within the seconds of a grant. */
const PROOF_MS = 60_000;
/** The daemons' talk and the memory, each one connection; the rest are for a new try of libvirt's. */
const CONNECTIONS_MAX = 4;

export class LibvirtDriver implements Hypervisor {
  readonly #parts: Omit<LibvirtParts, "facts">;
  readonly #watchers = new Set<() => void>();
  readonly #beginning = new Set<VmName>();
  readonly #timers = new Set<() => void>();
  #facts: LibvirtParts["facts"] | undefined;
  #tellLater: (() => void) | undefined;

  constructor(options: LibvirtDriverOptions) {
    const settings = libvirtSettings(options);
    const virsh = { virsh: settings.virsh, uri: settings.uri, clock: settings.clock };
    const asking = new VirshSession(virsh);
    this.#parts = {
      settings,
      records: new VmRecords(join(settings.stateDirectory, "libvirt")),
      table: new DomainTable(asking),
      asking,
      ordering: new VirshSession(virsh),
      jobs: new VirshSession(virsh),
      events: new VirshEvents(virsh),
      sending: new Set(),
      awaited: new Set(),
    };
  }

  async start(): Promise<void> {
    const { settings, asking, records, events } = this.#parts;
    await records.open();
    this.#facts = await libvirtFacts(settings, asking);
    events.open();
    events.listen(() => this.#tell());
  }

  async stop(): Promise<void> {
    const { asking, ordering, jobs, events } = this.#parts;
    this.#tellLater?.();
    this.#tellLater = undefined;
    this.#watchers.clear();
    for (const forget of this.#timers) forget();
    this.#timers.clear();
    events.close();
    for (const session of [asking, ordering, jobs]) session.close();
  }

  facts(): HypervisorFacts {
    const { machineTypes: _machineTypes, ...facts } = this.#ready().facts;
    return facts;
  }

  list(): Promise<readonly CopyReport[]> {
    return listDomains(this.#ready());
  }

  watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }

  usage(): Promise<readonly VmUsage[]> {
    return libvirtUsage(this.#ready().asking);
  }

  startVm(spec: VmSpec): Promise<void> {
    return this.#once(spec.name, () => life.startDomain(this.#ready(), spec));
  }

  stopVm(vm: VmName, force: boolean): Promise<void> {
    return named(vm, () => life.stopDomain(this.#ready(), vm, force));
  }

  async suspendVm(spec: VmSpec): Promise<{ imageBytes: number }> {
    return { imageBytes: await named(spec.name, () => life.saveDomain(this.#ready(), spec.name)) };
  }

  resumeVm(spec: VmSpec): Promise<void> {
    return this.#once(spec.name, () => life.restoreDomain(this.#ready(), spec));
  }

  forgetVm(vm: VmName): Promise<void> {
    return named(vm, () => life.forgetDomain(this.#ready(), vm));
  }

  async offer(moveId: MoveId, spec: VmSpec): Promise<MoveOffer> {
    const offer = await named(spec.name, () => atSource.offerDomain(this.#ready(), moveId, spec));
    if (offer.storageNonce !== null) this.#removeProofsLater(spec);
    return offer;
  }

  async admit(moveId: MoveId, offer: MoveOffer): Promise<{ refusal: string | null }> {
    const admit = () => atTarget.admitDomain(this.#ready(), moveId, offer);
    return { refusal: await named(offer.spec.name, admit) };
  }

  prepareIncoming(moveId: MoveId, spec: VmSpec): Promise<IncomingDoor> {
    return this.#once(spec.name, () => atTarget.prepareDomain(this.#ready(), moveId, spec));
  }

  awaitIncoming(moveId: MoveId, vm: VmName, signal: AbortSignal): Promise<void> {
    return atTarget.domainReceived(this.#ready(), { moveId, vm }, signal);
  }

  outgoingDoor(moveId: MoveId): OutgoingDoor {
    const socketPath = seenPath(this.#parts.settings, moveSocket(moveId));
    return { socketPath, connectionsMax: CONNECTIONS_MAX };
  }

  migrateOut(order: MigrateOutOrder, signal: AbortSignal): Promise<MigrateOutEnd> {
    return named(order.vm, () => atSource.sendDomain(this.#ready(), order, signal));
  }

  cancelMigration(vm: VmName): Promise<void> {
    return named(vm, () => atSource.cancelTransfer(this.#ready(), vm));
  }

  runIncoming(moveId: MoveId, vm: VmName): Promise<void> {
    return named(vm, () => atTarget.runDomain(this.#ready(), moveId, vm));
  }

  takeBack(moveId: MoveId, vm: VmName): Promise<void> {
    return named(vm, () => atSource.takeDomainBack(this.#ready(), moveId, vm));
  }

  discard(moveId: MoveId, vm: VmName): Promise<void> {
    return named(vm, () => atTarget.discardDomain(this.#ready(), moveId, vm));
  }

  moveVerdict(moveId: MoveId, vm: VmName): Promise<MoveVerdict> {
    return named(vm, () => libvirtVerdict(this.#ready(), moveId, vm));
  }

  #ready(): LibvirtParts {
    if (this.#facts === undefined) {
      const words = "the libvirt driver is not started";
      throw new HypervisorError(words, { code: "HYPERVISOR_MISSING" });
    }
    return { ...this.#parts, facts: this.#facts };
  }

  async #once<Value>(vm: VmName, begin: () => Promise<Value>): Promise<Value> {
    if (this.#beginning.has(vm)) throw life.exists(vm, "it is being started");
    this.#beginning.add(vm);
    try {
      return await named(vm, begin);
    } finally {
      this.#beginning.delete(vm);
      this.#tell();
    }
  }

  /** Read by the target within the seconds of a grant, and of no use after it. */
  #removeProofsLater(spec: VmSpec): void {
    const forget = this.#parts.settings.clock.after(PROOF_MS, () => {
      this.#timers.delete(forget);
      void removeProofs(spec);
    });
    this.#timers.add(forget);
  }

  #tell(): void {
    if (this.#watchers.size === 0) return;
    this.#tellLater ??= this.#parts.settings.clock.after(COALESCE_MS, () => {
      this.#tellLater = undefined;
      for (const changed of this.#watchers) changed();
    });
  }
}
