import { AgentError } from "#lib/base/errors.ts";

/** What kept a hypervisor from doing as it was told; stable, for the core, the API and tests. */
export type HypervisorErrorCode =
  /** The hypervisor program is missing, too old or does not start. */
  | "HYPERVISOR_MISSING"
  /** There is a copy or an image of this VM here already. */
  | "VM_EXISTS"
  /** There is no such copy here. */
  | "VM_ABSENT"
  /** The copy is in another state than the call needs. */
  | "VM_STATE"
  /** The spec names something that this host does not allow or does not have. */
  | "VM_SPEC"
  /** The guest's process did not start, or ended while it was needed. */
  | "VM_PROCESS"
  /** The saved image must not be resumed: consumed, incomplete, or of another generation. */
  | "IMAGE_STALE"
  /** A file that a member is made from is missing, or is not the one that the service names. */
  | "MEMBER_FILE"
  /** The disk is full or refused to write. */
  | "STORAGE"
  /** A migration ended without success; the message has the hypervisor's own reason. */
  | "MIGRATION_FAILED"
  | "MIGRATION_CANCELLED"
  /** A migration made no headway for as long as its limits allow. */
  | "NO_PROGRESS"
  /** The hypervisor answered a command with an error. */
  | "COMMAND_FAILED"
  /** The hypervisor did not answer in time. */
  | "TIMED_OUT";

/** Thrown by every hypervisor driver: names the VM, what failed and what to do about it. */
export class HypervisorError extends AgentError {
  readonly code: HypervisorErrorCode;

  constructor(message: string, options: { code: HypervisorErrorCode; cause?: unknown }) {
    super(message, options);
    this.code = options.code;
  }
}
