/** What a member may ask of its host; its end is told exactly once, unless the agent dies first. */
export type MemberOp =
  /** Removes what was there, makes the overlay, boots, ends when the health check passed. */
  | "stage"
  /** Ends when the image is durable and the process gone; failed, it runs on. */
  | "suspend"
  /** Marks the image consumed, durably, then lets it run with the right time. */
  | "resume"
  /** Ends when the health check passed, or its time is over. */
  | "check"
  /** Kills the copy and removes all that belongs to it. Succeeds when there is nothing. */
  | "discard";

/** What the journal keeps of a member, so that a restart knows what it finds. */
export interface MemberLine {
  /** The template that the copy or image was made from; null when it is not good for anything. */
  readonly digest: string | null;
  readonly wantsRunning: boolean;
}

/** What a member orders, in the order in which it must happen. */
export type MemberOrder =
  /** Durable before any later order. */
  | { readonly type: "journal"; readonly line: MemberLine }
  | { readonly type: "run"; readonly op: MemberOp }
  /** At every live switch. `round` comes back with `drained`: an old answer counts for nothing. */
  | { readonly type: "switch"; readonly to: "ready" | "maint" }
  | { readonly type: "switch"; readonly to: "drain"; readonly round: number };

export type MemberOpResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: string };

/** What may happen to a member. */
export type MemberInput =
  /**
   * First of all, after a start of the agent. `found` is what the hypervisor lists: a live process
   * of any kind, a good image that was never resumed, one that must not be resumed, or nothing.
   */
  | {
      readonly type: "restarted";
      readonly found: "running" | "suspended" | "stale" | "none";
      readonly line: MemberLine | null;
    }
  /** What the service's document wants here; said again whenever it changed. */
  | {
      readonly type: "declared";
      readonly staged: boolean;
      /** Of the member as it should be (MemberSpec.digest). */
      readonly digest: string;
      readonly drainMs: number;
    }
  /** Its turn has come to be staged (staging.ts). */
  | { readonly type: "mayStage" }
  /** A granted proposal to resume it. */
  | { readonly type: "run" }
  /** A granted proposal to suspend it. */
  | { readonly type: "rest" }
  /** No session is left at any live switch. */
  | { readonly type: "drained"; readonly round: number }
  | { readonly type: "opEnded"; readonly op: MemberOp; readonly result: MemberOpResult }
  /** What it answers while it runs. */
  | { readonly type: "health"; readonly well: boolean }
  /** The copy ended by itself, or has failed its health check for too long. */
  | { readonly type: "lost"; readonly reason: string }
  | { readonly type: "timeout" };
