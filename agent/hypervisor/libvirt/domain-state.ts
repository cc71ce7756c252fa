import type { CopyState } from "#lib/model/copy.ts";
import type { VmRecord } from "./vm-record.ts";

/** libvirt's virDomainState. */
export const domainStates = { running: 1, blocked: 2, paused: 3, dying: 4, shutOff: 5 } as const;
/** libvirt's virDomainPausedReason: what a migration leaves, by name. */
export const pausedReasons = { user: 1, migration: 2 } as const;
/** libvirt's virDomainShutoffReason. */
const SHUT_OFF_MIGRATED = 4;

/** One domain as the daemon shows it. */
export interface DomainLook {
  readonly state: number;
  readonly reason: number;
  /** It has a definition that outlives its process. */
  readonly isPersistent: boolean;
  /** What tells its managed save from every other; null where it has none. */
  readonly savedImage: string | null;
}

export function hasProcess({ state }: DomainLook): boolean {
  return state !== domainStates.shutOff;
}

export function isRunning({ state }: DomainLook): boolean {
  return [domainStates.running, domainStates.blocked, domainStates.dying].includes(state as 1);
}

/** The daemon itself gave the copy away, and still remembers it. */
export function wasMigrated({ state, reason }: DomainLook): boolean {
  return state === domainStates.shutOff && reason === SHUT_OFF_MIGRATED;
}

/**
 * The state of a domain in the words of the model; undefined where there is no copy: a definition of
 * ours without a process. Read as measured: an incoming copy is whole only when it is paused by the
 * user's flag *and* persistent; paused for the migration, it may still vanish.
 */
export function copyStateOf(
  look: DomainLook,
  record: VmRecord | undefined,
  isSending: boolean,
): CopyState | undefined {
  if (!hasProcess(look)) return restingState(look, record);
  if (isSending) return "sending";
  if (isRunning(look)) return "running";
  if (look.state !== domainStates.paused) return "paused";
  if (record?.role === "in") {
    return look.reason === pausedReasons.user && look.isPersistent ? "received" : "receiving";
  }
  return record?.role === "out" && look.reason === pausedReasons.migration ? "sent" : "paused";
}

/** A managed save that the guest can be resumed from: not the one that it was resumed from before. */
export function hasGoodImage({ savedImage }: DomainLook, record: VmRecord | undefined): boolean {
  if (savedImage === null) return false;
  // Who was resumed may have been saved anew since, by us or by the admin.
  return record?.image !== "consumed" || (record.used !== null && record.used !== savedImage);
}

function restingState(look: DomainLook, record: VmRecord | undefined): CopyState | undefined {
  if (hasGoodImage(look, record)) return "suspended";
  if (record?.image === "consumed") return "stale";
  return record === undefined ? "defined" : undefined;
}
