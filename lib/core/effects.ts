import type { HostOp } from "../model/host-op.ts";
import type { HostId } from "../model/ids.ts";
import type { Leftovers, WantedBackend } from "../model/switch.ts";
import type { VerbResult } from "../model/verb.ts";
import type { DatagramMessage, DeltaMessage, Message } from "../wire/messages.ts";

/**
 * One line of the journal: the JSON text of what the core keeps under a key, null when removed.
 * Keys: `meta/…`, `vm/NAME`, `move/ID`, `member/SERVICE`, `doc/NAME`, `history/N`, `peer/HOST`.
 */
export interface JournalEntry {
  readonly key: string;
  readonly value: string | null;
}

/**
 * Orders of the core, performed in the order given, steps one after the other. A `persist` MUST be
 * durable (fsync) BEFORE any later `send`, `broadcast`, `run` or `reply`; only `datagram` may
 * overtake it, because a probe promises nothing.
 */
export type Effect =
  | { readonly type: "persist"; readonly entries: readonly JournalEntry[] }
  /** Over the stream to `to`; dropped when there is none and none can be had in time. */
  | { readonly type: "send"; readonly to: HostId; readonly message: Message }
  | { readonly type: "datagram"; readonly to: HostId; readonly message: DatagramMessage }
  /** To everybody, within about a second: the news topic. */
  | { readonly type: "broadcast"; readonly message: DeltaMessage }
  /** One operation of the host; its end comes back as `opEnded` with the same `opId`. */
  | { readonly type: "run"; readonly opId: number; readonly op: HostOp }
  /** Ask the hypervisor for its full list: answered by `copiesListed`. */
  | { readonly type: "relist" }
  | { readonly type: "reply"; readonly requestId: string; readonly result: VerbResult }
  /** What the transport should know to dial: the members' addresses, as the view has them now. */
  | {
      readonly type: "peersKnown";
      readonly peers: readonly {
        readonly host: HostId;
        readonly addresses: readonly string[];
        readonly probePort: number;
      }[];
    }
  /** All that this host's switch should have, said again when it changed (SwitchKeeper.want). */
  | {
      readonly type: "switchWanted";
      readonly backends: readonly WantedBackend[];
      readonly leftovers: Leftovers;
    }
  /** For the log, the event stream and the history: what happened, for people. */
  | { readonly type: "notice"; readonly notice: Notice };

/** `code` is stable and says which kind of thing happened; `facts` are its figures. */
export interface Notice {
  readonly code: string;
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;
}
