import type { BackendView, Leftovers, WantedBackend } from "#lib/model/switch.ts";

/** What a look at the switch showed. */
export interface SwitchLook {
  readonly views: readonly BackendView[];
  /** What the look failed on, one line; null when on nothing. */
  readonly problem: string | null;
}

/** Keeps this host's switch in line; never fails towards its caller. */
export interface KeptSwitch {
  /** From now on exactly these servers are wanted, and of those from before so much is cleared. */
  want(backends: readonly WantedBackend[], leftovers: Leftovers): void;
  /** Leaves the switch as it is. */
  stop(): Promise<void>;
}

/** Begins to keep the switch; `told` hears of every look. */
export type KeepSwitch = (told: (look: SwitchLook) => void) => KeptSwitch;
