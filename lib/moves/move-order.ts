import type { CopyState } from "../model/copy.ts";
import type { HostOp, HostOpName, HostOpResult } from "../model/host-op.ts";
import type { MoveOutcome } from "../model/move-outcome.ts";
import type { MoveMessage } from "../wire/messages.ts";
import type { MoveLine } from "./move-line.ts";

/** What the owner record becomes, in the same transaction as the move's line. */
export type OwnerChange =
  | { readonly kind: "keep" }
  /** This host owns the VM from now on, at `version`. */
  | { readonly kind: "own"; readonly version: number }
  | { readonly kind: "disown" };

/** Orders of a move to its host, in the order in which they must happen. */
export type MoveOrder =
  /** Durable before any later order; a null line removes it. */
  | { readonly type: "journal"; readonly line: MoveLine | null; readonly owner: OwnerChange }
  | { readonly type: "send"; readonly message: MoveMessage }
  | { readonly type: "run"; readonly op: HostOp }
  | { readonly type: "warn"; readonly code: string; readonly message: string }
  /** The last order of a move: its table entry may go. */
  | { readonly type: "ended"; readonly end: MoveEnd };

/** How a move ended at this end; the core makes the outcome record of it. */
export interface MoveEnd {
  readonly result: MoveOutcome["result"];
  readonly detail: string;
  readonly downtimeMs: number | null;
  readonly transferredBytes: number;
}

/** What may happen to a move, at either end. */
export type MoveInput =
  | { readonly type: "message"; readonly message: MoveMessage }
  | { readonly type: "opEnded"; readonly op: HostOpName; readonly result: HostOpResult }
  /** The hypervisor's list, as far as this VM goes; null when it has no copy here. */
  | { readonly type: "copyListed"; readonly state: CopyState | null }
  | { readonly type: "timeout" }
  /** The line was read from the journal after a restart. */
  | { readonly type: "restored" }
  /** The agent's loop was late by seconds: what it believed of the copy may be old. */
  | { readonly type: "woken" }
  /** The other end can be talked to again. */
  | { readonly type: "reachable" }
  | { readonly type: "abortAsked"; readonly reason: string }
  | { readonly type: "resolved"; readonly decision: "run-here" | "discard" };
