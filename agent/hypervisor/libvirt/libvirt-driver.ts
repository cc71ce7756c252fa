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
import { type MoveId, readMoveId, type VmName } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { ChangeWatchers } from "../change-watchers.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { named } from "../named-error.ts";
import { ProofExpiry } from "../proof-expiry.ts";
import { DomainFits } from "./domain-fits.ts";
import { DomainPolicies } from "./domain-policies.ts";
import { DomainTable } from "./domain-table.ts";
import { libvirtFacts } from "./facts.ts";
import { withDisks } from "./fit-domain.ts";
import * as life from "./libvirt-life.ts";
import { type LibvirtDriverOptions, libvirtSettings, seenPath } from "./libvirt-options.ts";
import type { LibvirtParts } from "./libvirt-parts.ts";
import { libvirtUsage } from "./libvirt-usage.ts";
import { listDomains } from "./list-domains.ts";
import { sourcePlace } from "./move-folder.ts";
import { diskSocket, moveSocket, type SocketPlace } from "./move-paths.ts";
import * as atSource from "./move-source.ts";
import * as atTarget from "./move-target.ts";
import { libvirtVerdict } from "./move-verdict.ts";
import { VirshEvents } from "./virsh-events.ts";
import { VirshSession } from "./virsh-session.ts";
import { VmRecords } from "./vm-record.ts";

/** The daemons' talk and the memory, each one connection; the rest are for a new try of libvirt's. */
const CONNECTIONS_MAX = 4;

export class LibvirtDriver implements Hypervisor {
  readonly #parts: Omit<LibvirtParts, "facts" | "place">;
  readonly #watchers: ChangeWatchers;
  readonly #proofs: ProofExpiry;
  readonly #beginning = new Set<VmName>();
  #facts: LibvirtParts["facts"] | undefined;
  #place: SocketPlace = "libvirt";

  constructor(options: LibvirtDriverOptions) {
    const settings = libvirtSettings(options);
    this.#watchers = new ChangeWatchers(settings.clock);
    this.#proofs = new ProofExpiry(settings.clock);
    const virsh = { virsh: settings.virsh, uri: settings.uri, clock: settings.clock };
    const [asking, jobs] = [new VirshSession(virsh), new VirshSession(virsh)];
    const { copiedRoots, hostRoot } = settings;
    const fitFacts = () => ({ hostCpu: this.#facts?.hostCpu ?? null, copiedRoots, hostRoot });
    const fitAsking = () => ({ asking, jobs, ...fitFacts() });
    const ordering = new VirshSession(virsh);
    const table = new DomainTable(asking, settings);
    this.#parts = {
      settings,
      records: new VmRecords(join(settings.stateDirectory, "libvirt")),
      table,
      asking,
      ordering,
      jobs,
      events: new VirshEvents(virsh),
      fits: new DomainFits(settings.clock, fitAsking),
      policies: new DomainPolicies({ asking, ordering, table }),
      sending: new Set(),
      awaited: new Set(),
      admitted: new Map(),
    };
  }

  async start(): Promise<void> {
    const { settings, asking, records, events, fits, policies } = this.#parts;
    await records.open();
    this.#facts = await libvirtFacts(settings, asking);
    this.#place = await sourcePlace(settings);
    events.open();
    events.listen((event) => {
      fits.heard(event);
      policies.happened(event);
      this.#watchers.tell();
    });
  }

  async stop(): Promise<void> {
    const { asking, ordering, jobs, events } = this.#parts;
    this.#watchers.close();
    this.#proofs.close();
    events.close();
    for (const session of [asking, ordering, jobs]) session.close();
  }

  facts(): HypervisorFacts {
    const { machineTypes: _machineTypes, hostCpu: _hostCpu, ...facts } = this.#ready().facts;
    return facts;
  }

  list(): Promise<readonly CopyReport[]> {
    return listDomains(this.#ready());
  }

  watch(changed: () => void): () => void {
    return this.#watchers.watch(changed);
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

  writePolicy(spec: VmSpec): Promise<void> {
    return named(spec.name, () => this.#ready().policies.write(spec));
  }

  async offer(moveId: MoveId, spec: VmSpec): Promise<MoveOffer> {
    const offer = await named(spec.name, () => atSource.offerDomain(this.#ready(), moveId, spec));
    const proven = withDisks(spec, offer.needs);
    if (offer.storageNonce !== null) this.#proofs.removeLater(proven);
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
    const socketPath = this.#seen(moveSocket(moveId, this.#place));
    const vm = readMoveId(moveId)?.vm ?? "";
    const { copied } = this.#parts.fits.onTheWay(vm);
    const disks = copied.length > 0 && {
      diskSocketPath: this.#seen(diskSocket(moveId, this.#place)),
    };
    return { socketPath, connectionsMax: CONNECTIONS_MAX + copied.length, ...disks };
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

  #seen(path: string): string {
    return seenPath(this.#parts.settings, path);
  }

  #ready(): LibvirtParts {
    if (this.#facts === undefined) {
      const words = "the libvirt driver is not started";
      throw new HypervisorError(words, { code: "HYPERVISOR_MISSING" });
    }
    return { ...this.#parts, facts: this.#facts, place: this.#place };
  }

  async #once<Value>(vm: VmName, begin: () => Promise<Value>): Promise<Value> {
    if (this.#beginning.has(vm)) throw life.exists(vm, "it is being started");
    this.#beginning.add(vm);
    try {
      return await named(vm, begin);
    } finally {
      this.#beginning.delete(vm);
      this.#watchers.tell();
    }
  }
}
