import type { CopyReport } from "#lib/model/copy.ts";
import type { HypervisorFacts } from "#lib/model/host.ts";
import type { MoveOffer, MoveVerdict, TransferLimits } from "#lib/model/host-op.ts";
import type { HostId, MoveId, VmName } from "#lib/model/ids.ts";
import type { TransferProgress } from "#lib/model/transfer-progress.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import type { IncomingDoor, OutgoingDoor } from "./channel.ts";

/** One VM's resource use, as counters since its copy started here. */
export interface VmUsage {
  readonly vm: VmName;
  /** CPU time used by all of the guest's threads, ns. */
  readonly cpuTimeNs: number;
  /** Time its vCPU threads were ready to run but waited (schedstat field 2), ns. */
  readonly runDelayNs: number;
  readonly residentBytes: number;
  readonly dirtyBytesPerSecond: number | null;
  /** Bytes received and sent; null where nobody counts them (user-mode network, no network). */
  readonly networkBytes: number | null;
}

/**
 * The guests of one host. Every call rejects with HypervisorError, whose message names the VM and
 * the remedy. Guests outlive the agent; a driver finds them again when it starts.
 * All three drivers (sim, qemu, libvirt) pass test/support/hypervisor-contract.ts.
 */
export interface Hypervisor {
  /** Checks that the hypervisor can be used; rejects with what is missing and how to mend it. */
  start(): Promise<void>;
  /** Lets go of the guests, which run on. */
  stop(): Promise<void>;
  facts(): HypervisorFacts;
  /** All copies here, in VM-name order. */
  list(): Promise<readonly CopyReport[]>;
  /** Calls `changed` after anything happened to a copy; returns how to stop. Coalesces bursts. */
  watch(changed: () => void): () => void;
  /** Counters of the running copies; a copy whose figures cannot be had is left out. */
  usage(): Promise<readonly VmUsage[]>;

  startVm(spec: VmSpec): Promise<void>;
  /** Gracefully (the guest is asked, then after a bounded wait killed) or at once. */
  stopVm(vm: VmName, force: boolean): Promise<void>;
  /** To disk, durable before it resolves; the process is gone then. */
  suspendVm(spec: VmSpec): Promise<{ imageBytes: number }>;
  /** Marks the image consumed, durably, before the guest runs. Rejects on a stale image. */
  resumeVm(spec: VmSpec): Promise<void>;
  /** Removes a suspended image and all else of a VM that has no process here. */
  forgetVm(vm: VmName): Promise<void>;
  /** Writes the VM's policy where the hypervisor's own tools show it; missing where they show none. */
  writePolicy?(spec: VmSpec): Promise<void>;

  /** Source: facts for the target to check; writes the storage nonce beside each disk. */
  offer(moveId: MoveId, spec: VmSpec): Promise<MoveOffer>;
  /** Target: why this VM cannot come here, or null. Starts nothing. */
  admit(moveId: MoveId, offer: MoveOffer): Promise<{ refusal: string | null }>;
  /** Target: a paused copy that waits for the stream; resolves to where it takes it. */
  prepareIncoming(moveId: MoveId, spec: VmSpec, source: HostId): Promise<IncomingDoor>;
  /** Target: resolves when the copy is whole and paused; rejects when the stream failed. */
  awaitIncoming(moveId: MoveId, vm: VmName, signal: AbortSignal): Promise<void>;
  /** Source: what `migrateOut` will need of the channel; asked before the channel is opened. */
  outgoingDoor(moveId: MoveId): OutgoingDoor;
  /** Source: streams into the UNIX socket; resolves when sent or handed, rejects when it failed and the source runs on. */
  migrateOut(order: MigrateOutOrder, signal: AbortSignal): Promise<MigrateOutEnd>;
  /** Source: stops a transfer under way; resolves when the guest runs on here. No-op otherwise. */
  cancelMigration(vm: VmName): Promise<void>;
  /** Target: lets the received copy run (retrying a held image lock) and announces it. */
  runIncoming(moveId: MoveId, vm: VmName): Promise<void>;
  /** Source: lets the paused copy run again. */
  takeBack(moveId: MoveId, vm: VmName): Promise<void>;
  /** Kills the copy of this move; resolves also when there is none. Never a graceful quit. */
  discard(moveId: MoveId, vm: VmName): Promise<void>;
  moveVerdict(moveId: MoveId, vm: VmName): Promise<MoveVerdict>;
}

export interface MigrateOutOrder {
  readonly moveId: MoveId;
  readonly vm: VmName;
  readonly socketPath: string;
  readonly limits: TransferLimits;
  readonly progressed: (progress: TransferProgress) => void;
}

export interface MigrateOutEnd {
  /** `sent`: paused here, the choice is ours. `handed`: the hypervisor gave it away. */
  readonly end: "sent" | "handed";
  readonly transferredBytes: number;
  readonly pausedForMs: number;
}
