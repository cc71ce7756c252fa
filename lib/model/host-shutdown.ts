import type { VmName } from "./ids.ts";
import type { ShutdownPolicy } from "./vm-spec.ts";

/**
 * What becomes of one VM as its host shuts down. `waiting` for an action, a move, or for VMs of
 * lower priority; `leaving` by a move; `ending` is being suspended or powered off.
 */
export type EndingState =
  | "waiting"
  | "leaving"
  | "ending"
  | "off"
  | "suspended"
  | "moved"
  | "left"
  | "failed";

/** Nothing more becomes of it. */
export function endingIsOver(state: EndingState): boolean {
  return state !== "waiting" && state !== "leaving" && state !== "ending";
}

export interface VmEnding {
  readonly vm: VmName;
  readonly wanted: ShutdownPolicy;
  readonly state: EndingState;
  /** Why it did not go as wanted, in words; "" when it did. */
  readonly detail: string;
}

export interface HostShutdown {
  readonly vms: readonly VmEnding[];
  /** Nothing is waited for any more. */
  readonly isDone: boolean;
}

/** How long a host's shutdown may take for its guests, ms. */
export const shutdownMs = { min: 1_000, max: 3_600_000, default: 240_000 } as const;
