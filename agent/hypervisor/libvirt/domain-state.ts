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
  readonly hasSavedImage: boolean;
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

function restingState(look: DomainLook, record: VmRecord | undefined): CopyState | undefined {
  if (record?.image === "consumed") return "stale";
  if (look.hasSavedImage) return "suspended";
  return record === undefined ? "defined" : undefined;
}
