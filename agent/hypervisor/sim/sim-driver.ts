/**
 * The hypervisor of tests, demonstrations and benchmarks: guests that only count.
 *
 * Responsible for: the same contract as real drivers, with the states of the simulator's host
 * model, over streams that really pass through the migration channel.
 * How: each guest is one small file (GuestFiles), read anew at each call, so that guests outlive
 * the agent and can be read and killed from outside; SimHost decides what each order does to it.
 * Never does: run anything. A guest's work is the time since it was started.
 */
import { join } from "node:path";
import { type OutgoingDoor, plainDoor } from "#agent/ports/channel.ts";
import type { CopyReport } from "#lib/model/copy.ts";
import type { HypervisorFacts } from "#lib/model/host.ts";
import type { MoveOffer, MoveVerdict } from "#lib/model/host-op.ts";
import type { HostId, MoveId, VmName } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { hasProcess, type SimCopy } from "#lib/simulation/sim-copy.ts";
import { type CopyChange, SimHost } from "#lib/simulation/sim-host.ts";
import { SimHostError } from "#lib/simulation/sim-host-error.ts";
import { simHypervisor } from "#lib/simulation/sim-hypervisor.ts";
import { simOffer, simRefusal } from "#lib/simulation/sim-offer.ts";
import type { Clock } from "../../ports/clock.ts";
import type {
  Hypervisor,
  MigrateOutEnd,
  MigrateOutOrder,
  VmUsage,
} from "../../ports/hypervisor.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { GuestFiles } from "./guest-files.ts";
import { SimIncoming } from "./sim-incoming.ts";
import { SimCpuMeter, simLoadOf } from "./sim-load.ts";
import { SimOutgoing } from "./sim-outgoing.ts";

const mebibyte = 2 ** 20;

export interface SimDriverOptions {
  /** Guests are kept in its folder `sim-guests`. */
  readonly stateDirectory: string;
  readonly clock: Clock;
  /** Modelled speed of a migration without a cap, bytes a second; 64 MiB by default. */
  readonly bandwidthBytesPerSecond?: number;
  /** Bytes that really pass per byte of modelled memory (above 0, to 1); 1/16384 by default. */
  readonly wireShare?: number;
}

export class SimDriver implements Hypervisor {
  readonly #options: Required<SimDriverOptions>;
  readonly #files: GuestFiles;
  readonly #host: SimHost;
  readonly #meter: SimCpuMeter;
  readonly #incoming = new Map<VmName, SimIncoming>();
  readonly #outgoing = new Map<VmName, SimOutgoing>();
  readonly #watchers = new Set<() => void>();
  #unwatch: (() => void) | undefined;

  constructor(options: SimDriverOptions) {
    this.#options = {
      bandwidthBytesPerSecond: 64 * mebibyte,
      wireShare: 1 / 16384,
      ...options,
    };
    this.#files = new GuestFiles(join(options.stateDirectory, "sim-guests"));
    this.#host = new SimHost((change) => this.#store(change));
    this.#meter = new SimCpuMeter(options.stateDirectory);
  }

  /** A stream that an earlier agent carried is broken: its source runs on, its target is gone. */
  async start(): Promise<void> {
    this.#files.open();
    for (const { spec } of this.#readAll()) {
      this.#host.failSending(spec.name, this.#wallMs());
      this.#host.failReceiving(spec.name);
    }
    this.#unwatch = this.#files.watch(() => {
      for (const changed of this.#watchers) changed();
    });
  }

  async stop(): Promise<void> {
    this.#unwatch?.();
    for (const incoming of this.#incoming.values()) incoming.close();
    for (const outgoing of this.#outgoing.values()) {
      outgoing.fail("MIGRATION_FAILED", "the agent stops");
    }
  }

  facts(): HypervisorFacts {
    return simHypervisor;
  }

  async list(): Promise<readonly CopyReport[]> {
    this.#readAll();
    return this.#host.list();
  }

  watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }

  async usage(): Promise<readonly VmUsage[]> {
    const copies = this.#readAll().filter((copy) => copy.sinceMs !== null);
    this.#meter.keep(new Set(copies.map((copy) => copy.spec.name)));
    return copies.map((copy) => {
      const { residentBytes, dirtyBytesPerSecond } = simLoadOf(copy.spec);
      const cpuTimeNs = this.#meter.read(copy, this.#wallMs());
      const unused = { runDelayNs: 0, networkBytes: null };
      return { vm: copy.spec.name, cpuTimeNs, ...unused, residentBytes, dirtyBytesPerSecond };
    });
  }

  async startVm(spec: VmSpec): Promise<void> {
    this.#order(spec.name, () => this.#host.start(spec, this.#wallMs()));
  }

  async stopVm(vm: VmName, _force: boolean): Promise<void> {
    this.#order(vm, () => this.#host.stop(vm));
  }

  async suspendVm(spec: VmSpec): Promise<{ imageBytes: number }> {
    this.#order(spec.name, () => this.#host.suspend(spec, this.#wallMs()));
    return { imageBytes: simLoadOf(spec).residentBytes };
  }

  async resumeVm(spec: VmSpec): Promise<void> {
    this.#order(spec.name, () => this.#host.resume(spec, this.#wallMs()));
  }

  async forgetVm(vm: VmName): Promise<void> {
    this.#order(vm, () => this.#host.forget(vm));
  }

  async offer(_moveId: MoveId, spec: VmSpec): Promise<MoveOffer> {
    return simOffer(spec);
  }

  async admit(_moveId: MoveId, offer: MoveOffer): Promise<{ refusal: string | null }> {
    return { refusal: simRefusal(offer, this.#read(offer.spec.name)) };
  }

  async prepareIncoming(
    moveId: MoveId,
    spec: VmSpec,
    _source: HostId,
  ): Promise<{ socketPath: string }> {
    const vm = spec.name;
    this.#order(vm, () => this.#host.prepareIncoming(moveId, spec));
    const socketPath = join(this.#files.directory, `${vm}.sock`);
    const incoming = new SimIncoming({
      moveId,
      vm,
      socketPath,
      waits: () => this.#read(vm)?.moveId === moveId,
      received: (memory) => this.#order(vm, () => this.#host.finishReceiving(vm, memory)),
      failed: () => {
        if (this.#incoming.get(vm) === incoming) this.#incoming.delete(vm);
        if (this.#read(vm)?.moveId === moveId) this.#host.failReceiving(vm);
      },
    });
    this.#incoming.set(vm, incoming);
    try {
      await incoming.listen();
    } catch (error) {
      incoming.close();
      throw error;
    }
    return { socketPath };
  }

  async awaitIncoming(moveId: MoveId, vm: VmName, signal: AbortSignal): Promise<void> {
    const copy = this.#read(vm);
    if (copy?.moveId === moveId && copy.state === "received") return;
    const incoming = this.#incoming.get(vm);
    if (incoming?.moveId !== moveId) {
      throw new HypervisorError(`VM ${vm} waits for no stream here`, { code: "VM_ABSENT" });
    }
    await Promise.race([incoming.ended(), aborted(signal, vm)]);
  }

  outgoingDoor(): OutgoingDoor {
    return plainDoor;
  }

  async migrateOut(order: MigrateOutOrder, signal: AbortSignal): Promise<MigrateOutEnd> {
    const { moveId, vm, limits } = order;
    this.#order(vm, () => this.#host.beginSending(moveId, vm));
    const capped = limits.bandwidthBytesPerSecond || Number.POSITIVE_INFINITY;
    const spec = this.#read(vm)?.spec;
    const outgoing = new SimOutgoing({
      order,
      load: spec ? simLoadOf(spec) : { cpuCores: 0, residentBytes: 0, dirtyBytesPerSecond: 0 },
      bandwidthBytesPerSecond: Math.min(capped, this.#options.bandwidthBytesPerSecond),
      wireShare: this.#options.wireShare,
      sends: () => this.#sends(moveId, vm),
      halt: () => this.#order(vm, () => this.#host.haltSending(vm, this.#wallMs())),
      nowMs: () => this.#options.clock.nowMs(),
    });
    this.#outgoing.set(vm, outgoing);
    try {
      const end = await outgoing.run(signal);
      // Sent is sent, also if the guest, which stood still, was killed before the answer came.
      if (this.#read(vm)) this.#order(vm, () => this.#host.finishSending(vm));
      return end;
    } catch (error) {
      // The guest may be gone, or another agent's by now.
      if (this.#sends(moveId, vm)) this.#host.failSending(vm, this.#wallMs());
      throw error;
    } finally {
      if (this.#outgoing.get(vm) === outgoing) this.#outgoing.delete(vm);
    }
  }

  async cancelMigration(vm: VmName): Promise<void> {
    const outgoing = this.#outgoing.get(vm);
    if (!outgoing) return;
    outgoing.fail("MIGRATION_CANCELLED", "it was cancelled");
    if (this.#read(vm)?.state === "sending") this.#host.failSending(vm, this.#wallMs());
  }

  async runIncoming(moveId: MoveId, vm: VmName): Promise<void> {
    this.#order(vm, () => this.#host.runIncoming(moveId, vm, this.#wallMs()));
    this.#incoming.get(vm)?.close();
    this.#incoming.delete(vm);
  }

  async takeBack(moveId: MoveId, vm: VmName): Promise<void> {
    this.#order(vm, () => this.#host.takeBack(moveId, vm, this.#wallMs()));
  }

  async discard(moveId: MoveId, vm: VmName): Promise<void> {
    this.#order(vm, () => this.#host.discard(moveId, vm));
    const incoming = this.#incoming.get(vm);
    if (incoming?.moveId === moveId) {
      this.#incoming.delete(vm);
      incoming.close();
    }
  }

  async moveVerdict(_moveId: MoveId, vm: VmName): Promise<MoveVerdict> {
    this.#read(vm);
    return this.#host.moveVerdict(vm);
  }

  #sends(moveId: MoveId, vm: VmName): boolean {
    const copy = this.#read(vm);
    return copy?.moveId === moveId && copy.state === "sending";
  }

  #wallMs(): number {
    return this.#options.clock.wallMs();
  }

  /** Reads the file anew, lets the model act on it, and translates its refusals. */
  #order<Value>(vm: VmName, act: () => Value): Value {
    this.#read(vm);
    try {
      return act();
    } catch (cause) {
      if (!(cause instanceof SimHostError)) throw cause;
      throw new HypervisorError(cause.message, { code: cause.code, cause });
    }
  }

  #read(vm: VmName): SimCopy | undefined {
    this.#host.restore(vm, this.#files.read(vm));
    return this.#host.copy(vm);
  }

  #readAll(): readonly SimCopy[] {
    const names = new Set(this.#files.names());
    for (const { spec } of this.#host.copies()) {
      if (!names.has(spec.name)) this.#host.restore(spec.name, null);
    }
    for (const name of names) this.#read(name);
    return this.#host.copies();
  }

  #store({ vm, after }: CopyChange): void {
    if (after) this.#files.write(after);
    else this.#files.remove(vm);
    const incoming = this.#incoming.get(vm);
    if (incoming && (after === null || !hasProcess(after))) {
      this.#incoming.delete(vm);
      incoming.close();
    }
  }
}

function aborted(signal: AbortSignal, vm: VmName): Promise<never> {
  return new Promise((_resolve, reject) => {
    const stop = () => {
      const message = `VM ${vm}: nobody waits for its stream any longer`;
      reject(new HypervisorError(message, { code: "MIGRATION_CANCELLED", cause: signal.reason }));
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
