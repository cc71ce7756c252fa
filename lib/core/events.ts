import type { CopyReport } from "../model/copy.ts";
import type { HypervisorFacts } from "../model/host.ts";
import type { HostOpResult } from "../model/host-op.ts";
import type { HostId, VmName } from "../model/ids.ts";
import type { HostLoad, VmLoad } from "../model/load.ts";
import type { BackendView } from "../model/switch.ts";
import type { TransferProgress } from "../model/transfer-progress.ts";
import type { Verb } from "../model/verb.ts";
import type { Message } from "../wire/messages.ts";
import type { JournalEntry } from "./effects.ts";

/** Everything that can happen to an agent, as facts. Nothing unverified becomes an event. */
export type Event =
  /** First event of a life: the journal and the copies found, before any network. */
  | {
      readonly type: "started";
      readonly journal: readonly JournalEntry[];
      readonly copies: readonly CopyReport[];
      readonly hypervisor: HypervisorFacts;
      readonly addresses: readonly string[];
      readonly probePort: number;
      /** Wall clock minus monotonic clock, for the times that people read. */
      readonly wallOffsetMs: number;
      /** The machine's boot id: another one than last time means that no guest survived. */
      readonly bootId: string;
      /** 16 hex digits, random per process start. */
      readonly instance: string;
    }
  | { readonly type: "timeout" }
  /** `from` is proved: by the noise handshake, the gossip signature or the probe's HMAC. */
  | {
      readonly type: "messageReceived";
      readonly from: HostId;
      readonly via: "stream" | "datagram" | "news";
      readonly message: Message;
    }
  /** A stream to a member stands, or is gone. Gone is a reason to probe, never a death. */
  | { readonly type: "peerConnected"; readonly host: HostId }
  | { readonly type: "peerDisconnected"; readonly host: HostId }
  | {
      readonly type: "loadSampled";
      readonly host: HostLoad;
      readonly vms: readonly { readonly vm: VmName; readonly load: VmLoad }[];
    }
  /** The hypervisor's full list, sent at each change that it reports and after `relist`. */
  | { readonly type: "copiesListed"; readonly copies: readonly CopyReport[] }
  | { readonly type: "opEnded"; readonly opId: number; readonly result: HostOpResult }
  | { readonly type: "transferProgressed"; readonly progress: TransferProgress }
  /** From the local socket; answered by one `reply` effect with the same id. */
  | { readonly type: "verbAsked"; readonly requestId: string; readonly verb: Verb }
  /** Addresses changed, or were found only after the start. */
  | {
      readonly type: "addressesChanged";
      readonly addresses: readonly string[];
      readonly probePort: number;
    }
  /** What this host's switch shows of the wanted backends, after each look of its keeper. */
  | {
      readonly type: "switchObserved";
      readonly backends: readonly BackendView[];
      /** What the last look failed on, one line; null when on nothing. */
      readonly problem: string | null;
    }
  /** The admin asks the agent to end: publish the leave, stop proposing. */
  | { readonly type: "leaveAsked"; readonly forGood: boolean };
