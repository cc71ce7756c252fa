import type { HostId } from "./ids.ts";
import type { ServerState } from "./switch.ts";

/**
 * What a service's member on one host is (DESIGN 7). `absent`: nothing of it is here; `staging`:
 * booted until its health check passes, then suspended; `resuming`: runs, not known to serve yet;
 * `draining`: still runs, the switches send it no new sessions; `discarding`: its copy and its
 * files are being removed; `stale`: an image that must not be resumed.
 */
export type ServiceMemberState =
  | "absent"
  | "staging"
  | "suspended"
  | "resuming"
  | "running"
  | "draining"
  | "suspending"
  | "discarding"
  | "stale";

/** What a host tells the others of its member of one service. */
export interface MemberNews {
  readonly service: string;
  readonly state: ServiceMemberState;
  /** It runs from an older template than the service's. */
  readonly outdated: boolean;
  /** It would be staged now, if its turn had come. */
  readonly waiting: boolean;
  /** It runs and fails its health check; left out for one that is well, as far as is known. */
  readonly healthy?: false;
  /** CPU demand over its vCPUs, 0 to about 1; null while not known. */
  readonly cpuShare: number | null;
  /** Disk that its overlay and image take, bytes. */
  readonly diskBytes: number;
  /** Why it is not what it should be, in words; "" when nothing is in the way. */
  readonly obstacle: string;
  /** What it should be at every switch; `kept`: what it was, its agent has only just started. */
  readonly atSwitch: ServerState | "kept";
  /** Which drain is meant, as long as it drains; no two of one host are the same. */
  readonly drainMark: number | null;
}

/** What one switch shows of a member. One that is not named takes no sessions and has none. */
export interface MemberAtSwitch {
  /** Whose member it is. */
  readonly host: HostId;
  readonly state: ServerState;
  readonly sessions: number;
  /** The drain that this switch has carried out; null for none. */
  readonly drainMark: number | null;
}

/** What a host with a switch tells of one service there. */
export interface SwitchNews {
  readonly service: string;
  /** Sessions that wait because no member has room. */
  readonly queued: number;
  /** What the last look at the switch failed on, in words; "" when on nothing. */
  readonly problem: string;
  readonly members: readonly MemberAtSwitch[];
}
