import type { HostId } from "../model/ids.ts";
import type { MemberState, Verdict } from "../model/verdict.ts";
import type { AckMessage, DatagramMessage, ProbeMessage } from "../wire/messages.ts";

/** What the membership wants done, in order. */
export type MembershipOrder =
  | { readonly type: "datagram"; readonly to: HostId; readonly message: DatagramMessage }
  /** Over the stream: the last probe before a suspicion, and the answer to one. */
  | { readonly type: "send"; readonly to: HostId; readonly message: ProbeMessage | AckMessage }
  /** News for everybody at once; it rides on gossip as well. */
  | { readonly type: "spread"; readonly verdict: Verdict }
  /** The own incarnation was raised: publish the own records with it at once. */
  | { readonly type: "refute"; readonly incarnation: number }
  | MemberChanged;

/** `previous` is undefined for a member never seen, `state` for one that is forgotten. */
interface MemberChanged {
  readonly type: "changed";
  readonly host: HostId;
  readonly state: MemberState | undefined;
  readonly previous: MemberState | undefined;
  /** For people: what led to it. */
  readonly because: string;
}
