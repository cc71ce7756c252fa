import { hashText } from "../base/prng.ts";
import type { HostId } from "../model/ids.ts";
import { counts, type MemberEntry } from "./member-entry.ts";
import type { DocumentMark } from "./service-view.ts";

/** A steward's word to the host concerned, which judges it by what it knows itself. */
export interface ScaleProposal {
  readonly service: string;
  readonly change: "run" | "rest";
  /** Whose member is meant. */
  readonly host: HostId;
  readonly steward: HostId;
  readonly document: DocumentMark;
  /**
   * Hosts whose members this steward is changing, `host` among them. Their state is on its way, so
   * the digest leaves them out; sorted, at most ServiceParams.proposalsMax.
   */
  readonly changing: readonly HostId[];
  /** Of the other members that count (runningDigest). */
  readonly runningDigest: string;
  /** The running member that this one will stand in for; null where one more is wanted. */
  readonly replaces: HostId | null;
  /** Of a shift: the host's CPU demand above which it does not pay any more, in cores. */
  readonly cpuCoresMax?: number;
  /** Who passes it on, where the host gave the steward itself no answer. */
  readonly relay?: HostId;
}

/**
 * Eight hex digits over the hosts whose members count, but for those named: two hosts that see the
 * same members run find the same.
 */
export function runningDigest(
  members: readonly MemberEntry[],
  live: ReadonlySet<HostId>,
  except: readonly HostId[],
): string {
  const hosts = members
    .filter(({ state, host }) => counts(state) && live.has(host) && !except.includes(host))
    .map(({ host }) => host);
  return hashText(hosts.sort().join(" ")).toString(16).padStart(8, "0");
}
