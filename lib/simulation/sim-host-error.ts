import { AgentError } from "../base/errors.ts";

/** Why a simulated hypervisor refused an order; the codes are those of the real drivers. */
export type SimHostErrorCode =
  | "VM_ABSENT"
  | "VM_EXISTS"
  | "VM_STATE"
  | "IMAGE_STALE"
  | "MIGRATION_FAILED"
  | "MIGRATION_CANCELLED"
  | "NO_PROGRESS";

/** Thrown by SimHost when an order does not fit what it holds. */
export class SimHostError extends AgentError {
  readonly code: SimHostErrorCode;

  constructor(code: SimHostErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
