import type { Hypervisor } from "#agent/ports/hypervisor.ts";
import type { VmName } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";

/** One of the two hosts. */
export type Side = "source" | "target";

/** Two hosts under test. */
export interface ContractRig {
  readonly source: Hypervisor;
  readonly target: Hypervisor;
  /**
   * True where the hypervisor itself gives the source's copy away once the target has it whole
   * (libvirt); else it stays, paused, until the core decides.
   */
  readonly handsOver: boolean;
  /** A VM that can run on both hosts; its guest counts on, about ten a second. */
  spec(vm: VmName): VmSpec;
  /** A short path on which the suite may listen. */
  socketPath(name: string): string;
  /**
   * The agent of one host dies without a word and starts again: replaces `source` or `target` by a
   * driver that was started on the same guests.
   */
  restartAgent(side: Side): Promise<void>;
  /** Kills the copy itself, as `kill -9` does, and resolves when it is dead. */
  killCopy(side: Side, vm: VmName): Promise<void>;
  /** The last count that the guest has shown on either host; -1 when none yet. */
  count(vm: VmName): Promise<number>;
  /** Null while the guest's counts, in the order shown, have no gap, repeat or reset. */
  countFault(vm: VmName): Promise<string | null>;
  /** Kills what is left and removes all files. */
  close(): Promise<void>;
}
