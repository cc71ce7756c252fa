import type { HostId } from "../model/ids.ts";

/**
 * What a service's member on one host is (DESIGN 7). `absent`: nothing of it is here; `staging`:
 * booted until its health check passes, then suspended; `resuming`: runs, not known to serve yet;
 * `draining`: still runs, the switches send it no new sessions; `discarding`: its copy and its
 * files are being removed; `stale`: an image that must not be resumed.
 */
export type MemberState =
  | "absent"
  | "staging"
  | "suspended"
  | "resuming"
  | "running"
  | "draining"
  | "suspending"
  | "discarding"
  | "stale";

/** What the other hosts must know of a member: its owner gossips it. */
export interface MemberEntry {
  readonly service: string;
  readonly host: HostId;
  readonly state: MemberState;
  /** It runs from an older template than the service's. */
  readonly outdated: boolean;
  /** It would be staged now, if its turn had come. */
  readonly waiting: boolean;
  /** CPU demand over its vCPUs, 0 to about 1; null while not known. */
  readonly cpuShare: number | null;
  /** As the switches count them; null where no switch tells. */
  readonly sessions: number | null;
  /** Why it is not what it should be, in words; "" when nothing is in the way. */
  readonly obstacle: string;
}

/** True for a member that serves, or will in a moment: one of those that `min` and `max` count. */
export function counts(state: MemberState): boolean {
  return state === "running" || state === "resuming";
}
