import type { MemberMaking, MemberProbe } from "#lib/model/host-op.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";

/** The files of this host's members. Every call rejects with an AgentError that has the remedy. */
export interface MemberFiles {
  /**
   * Checks that every file of `making` is here byte for byte, then makes the member's overlay where
   * it has a base, durably. Rejects at once with the signal's reason when `signal` is aborted.
   */
  make(spec: VmSpec, making: MemberMaking, signal: AbortSignal): Promise<void>;
  /** What the member takes on the disk once it is suspended, as far as it is known now, bytes. */
  diskBytes(spec: VmSpec): Promise<number>;
  /** Removes the overlay. Succeeds when there is none. */
  remove(spec: VmSpec): Promise<void>;
}

/** What a host that takes members has for them beside its hypervisor. */
export interface MemberHost {
  readonly files: MemberFiles;
  /** Asks until the member is well; rejects with its last answer when the time is over. */
  awaitHealthy(probe: MemberProbe, signal: AbortSignal): Promise<{ readonly tookMs: number }>;
  /** Asks once, within `timeoutMs`; rejects with the answer when it is not a good one. */
  askHealth(probe: MemberProbe, signal: AbortSignal): Promise<void>;
}
