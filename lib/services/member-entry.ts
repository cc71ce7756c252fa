import type { HostId } from "../model/ids.ts";
import type { ServiceMemberState } from "../model/member-news.ts";

export type MemberState = ServiceMemberState;

/** What the other hosts must know of a member: its owner gossips it. */
export interface MemberEntry {
  readonly service: string;
  readonly host: HostId;
  readonly state: MemberState;
  /** It runs from an older template than the service's. */
  readonly outdated: boolean;
  /** It would be staged now, if its turn had come. */
  readonly waiting: boolean;
  /** It runs and fails its health check; left out for one that is well, as far as is known. */
  readonly healthy?: false;
  /** CPU demand over its vCPUs, 0 to about 1; null while not known. */
  readonly cpuShare: number | null;
  /** As the switches count them; null where no switch tells. */
  readonly sessions: number | null;
  /** Why it is not what it should be, in words; "" when nothing is in the way. */
  readonly obstacle: string;
}

/** True for a member that runs and answers. */
export function serves({ state, healthy }: MemberEntry): boolean {
  return state === "running" && healthy !== false;
}

/** True for a member that serves, or will in a moment: one of those that `min` and `max` count. */
export function counts(state: MemberState): boolean {
  return state === "running" || state === "resuming";
}
