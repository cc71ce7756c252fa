import type { Effect, JournalEntry } from "../core/effects.ts";
import type { Event } from "../core/events.ts";
import type { HostId } from "../model/ids.ts";
import type { Message } from "../wire/messages.ts";
import type { CopyChange } from "./sim-host.ts";

/** What a checker, a trace or a test can see of a simulated run, in the order it happened. */
export type SimFact =
  | { readonly type: "copyChanged"; readonly host: HostId; readonly change: CopyChange }
  | {
      readonly type: "stepped";
      readonly host: HostId;
      readonly event: Event;
      readonly effects: readonly Effect[];
    }
  /** It left the agent, which had to wait for what was persisted before it. */
  | { readonly type: "sent"; readonly host: HostId; readonly message: Message }
  | {
      readonly type: "persisted";
      readonly host: HostId;
      readonly entries: readonly JournalEntry[];
    }
  | { readonly type: "agentStarted" | "agentKilled"; readonly host: HostId }
  | { readonly type: "agentPaused" | "agentContinued"; readonly host: HostId }
  | { readonly type: "hostCrashed"; readonly host: HostId; readonly diskLost: boolean }
  | { readonly type: "linksChanged" }
  /** Its hypervisor hangs or no longer does, or a disk is full or no longer is. */
  | { readonly type: "troubleChanged"; readonly host: HostId }
  /** Somebody broke something on purpose: its kind, for a person. */
  | { readonly type: "faultStruck"; readonly kind: string };

/** Receives each fact with its virtual time. */
export type FactListener = (fact: SimFact, nowMs: number) => void;
