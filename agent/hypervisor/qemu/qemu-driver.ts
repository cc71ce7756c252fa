/**
 * Guests as plain QEMU processes, driven over their monitor sockets; no daemon in between.
 *
 * Responsible for: the processes, their folders under the state directory, their saved images.
 * How: each guest has a folder with guest.json (what its process is for), a monitor socket and its
 * output; the process is detached, or in a transient systemd unit, and outlives the agent. What is
 * true of a copy is asked from QEMU each time, never remembered.
 * Never: decides about a move, runs a shell, or trusts a path from a peer.
 */
import { mkdir } from "node:fs/promises";
import { type OutgoingDoor, plainDoor } from "#agent/ports/channel.ts";
import type {
  Hypervisor,
  MigrateOutEnd,
  MigrateOutOrder,
  VmUsage,
} from "#agent/ports/hypervisor.ts";
import type { CopyReport } from "#lib/model/copy.ts";
import type { HypervisorFacts } from "#lib/model/host.ts";
import type { MoveOffer, MoveVerdict } from "#lib/model/host-op.ts";
import type { HostId, MoveId, VmName } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { ChangeWatchers } from "../change-watchers.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { named } from "../named-error.ts";
import { ProofExpiry } from "../proof-expiry.ts";
import { type QemuFacts, qemuFacts } from "./facts.ts";
import * as life from "./guest-life.ts";
import { exists, GuestTable } from "./guest-table.ts";
import { listCopies } from "./list-copies.ts";
import { streamReceived } from "./migration-in.ts";
import { copyOfMove, discardCopy } from "./move-copy.ts";
import * as atSource from "./move-source.ts";
import * as atTarget from "./move-target.ts";
import { verdictOf } from "./move-verdict.ts";
import { type QemuDriverOptions, type QemuSettings, qemuSettings } from "./qemu-options.ts";
import { settleGuest } from "./settle-guest.ts";
import { readUsage } from "./usage.ts";

/** Admitted moves that were not begun; the oldest is forgotten first. */
const ADMITTED_MAX = 64;

export class QemuDriver implements Hypervisor {
  readonly #settings: QemuSettings;
  readonly #table: GuestTable;
  readonly #watchers: ChangeWatchers;
  readonly #proofs: ProofExpiry;
  /** VMs with a process being made: a second one is refused before it has a folder. */
  readonly #beginning = new Set<VmName>();
  /** Machine types of admitted offers, since `prepareIncoming` is told only the spec. */
  readonly #admitted = new Map<MoveId, string>();
  #facts: QemuFacts | undefined;

  constructor(options: QemuDriverOptions) {
    this.#settings = qemuSettings(options);
    this.#watchers = new ChangeWatchers(this.#settings.clock);
    this.#proofs = new ProofExpiry(this.#settings.clock);
    this.#table = new GuestTable(this.#settings, () => this.#watchers.tell());
  }

  async start(): Promise<void> {
    await mkdir(this.#settings.stateDirectory, { recursive: true, mode: 0o700 });
    this.#facts = await qemuFacts(this.#settings);
    for (const guest of await this.#table.find()) {
      await settleGuest(guest, this.#table, this.#settings.log);
    }
  }

  async stop(): Promise<void> {
    this.#watchers.close();
    this.#proofs.close();
    this.#table.release();
  }

  facts(): HypervisorFacts {
    const { machineTypes: _machineTypes, ...facts } = this.#parts().facts;
    return facts;
  }

  list(): Promise<readonly CopyReport[]> {
    return listCopies(this.#parts());
  }

  watch(changed: () => void): () => void {
    return this.#watchers.watch(changed);
  }

  async usage(): Promise<readonly VmUsage[]> {
    const guests = await this.#table.all();
    await Promise.all(guests.map(({ paths }) => this.#table.trimSerial(paths)));
    const usages = guests.map(({ record }) => readUsage(record.spec, record.process));
    return (await Promise.all(usages)).filter((usage) => usage !== undefined);
  }

  startVm(spec: VmSpec): Promise<void> {
    return this.#once(spec.name, () => life.startGuest(this.#parts(), spec));
  }

  stopVm(vm: VmName, force: boolean): Promise<void> {
    return named(vm, () => life.stopGuest(this.#parts(), vm, force));
  }

  async suspendVm(spec: VmSpec): Promise<{ imageBytes: number }> {
    return {
      imageBytes: await named(spec.name, () => life.suspendToDisk(this.#parts(), spec.name)),
    };
  }

  resumeVm(spec: VmSpec): Promise<void> {
    return this.#once(spec.name, () => life.resumeFromDisk(this.#parts(), spec));
  }

  forgetVm(vm: VmName): Promise<void> {
    return named(vm, () => life.forgetGuest(this.#parts(), vm));
  }

  async offer(moveId: MoveId, spec: VmSpec): Promise<MoveOffer> {
    const offer = await named(spec.name, () => atSource.offerGuest(this.#parts(), moveId, spec));
    if (offer.storageNonce !== null) this.#proofs.removeLater(offer.spec);
    return offer;
  }

  async admit(moveId: MoveId, offer: MoveOffer): Promise<{ refusal: string | null }> {
    const refusal = await named(offer.spec.name, () =>
      atTarget.admitGuest(this.#parts(), moveId, offer),
    );
    if (refusal === null) this.#admitted.set(moveId, offer.machineType);
    for (const oldest of this.#admitted.keys()) {
      if (this.#admitted.size <= ADMITTED_MAX) break;
      this.#admitted.delete(oldest);
    }
    return { refusal };
  }

  async prepareIncoming(moveId: MoveId, spec: VmSpec, source: HostId) {
    const machineType = this.#admitted.get(moveId);
    this.#admitted.delete(moveId);
    const order = { moveId, spec, source, machineType };
    const prepare = () => atTarget.prepareCopy(this.#parts(), order);
    return { socketPath: await this.#once(spec.name, prepare) };
  }

  async awaitIncoming(moveId: MoveId, vm: VmName, signal: AbortSignal): Promise<void> {
    await streamReceived(await copyOfMove(this.#parts(), moveId, vm), signal);
  }

  outgoingDoor(): OutgoingDoor {
    return plainDoor;
  }

  migrateOut(order: MigrateOutOrder, signal: AbortSignal): Promise<MigrateOutEnd> {
    return named(order.vm, () => atSource.sendCopy(this.#parts(), order, signal));
  }

  cancelMigration(vm: VmName): Promise<void> {
    return named(vm, () => atSource.cancelCopy(this.#parts(), vm));
  }

  runIncoming(moveId: MoveId, vm: VmName): Promise<void> {
    return named(vm, () => atTarget.runCopy(this.#parts(), moveId, vm));
  }

  takeBack(moveId: MoveId, vm: VmName): Promise<void> {
    return named(vm, () => atSource.takeCopyBack(this.#parts(), moveId, vm));
  }

  discard(moveId: MoveId, vm: VmName): Promise<void> {
    return named(vm, () => discardCopy(this.#parts(), moveId, vm));
  }

  moveVerdict(moveId: MoveId, vm: VmName): Promise<MoveVerdict> {
    return named(vm, () => verdictOf(this.#parts(), moveId, vm));
  }

  #parts(): life.LifeParts {
    if (this.#facts === undefined) {
      throw new HypervisorError("the qemu driver is not started", { code: "HYPERVISOR_MISSING" });
    }
    return { settings: this.#settings, table: this.#table, facts: this.#facts };
  }

  async #once<Value>(vm: VmName, begin: () => Promise<Value>): Promise<Value> {
    if (this.#beginning.has(vm)) throw exists(vm, "it is being started");
    this.#beginning.add(vm);
    try {
      return await named(vm, begin);
    } finally {
      this.#beginning.delete(vm);
      this.#watchers.tell();
    }
  }
}
