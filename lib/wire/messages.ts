import type { ActionReason } from "../model/action.ts";
import type { HostSummary } from "../model/host.ts";
import type { MoveOffer } from "../model/host-op.ts";
import type { HostId, MoveId, VmName } from "../model/ids.ts";
import type { VmLoad } from "../model/load.ts";
import type { MemberNews, SwitchNews } from "../model/member-news.ts";
import type { ClusterDocument, HostRecord, RecordVersion } from "../model/record.ts";
import type { Verb, VerbResult } from "../model/verb.ts";
import type { Verdict } from "../model/verdict.ts";
import type { VmPolicy } from "../model/vm-spec.ts";

/** SWIM probe; over UDP, or once over the stream before anybody is suspected. */
export interface ProbeMessage {
  readonly type: "probe";
  readonly nonce: number;
  /** The incarnation that the prober believes the probed member to have. */
  readonly incarnation: number;
  /** True: the prober suspects the receiver, who should refute at once. */
  readonly suspected: boolean;
}

export interface AckMessage {
  readonly type: "ack";
  readonly nonce: number;
  readonly incarnation: number;
  /** Wall-clock ms since 1970 at the sender, for people; the transport's to add and to take. */
  readonly wallMs?: number;
}

/** Asks the receiver to probe `target` and to pass its ack on (SWIM, ping-req). */
export interface IndirectProbeMessage {
  readonly type: "indirectProbe";
  readonly nonce: number;
  readonly target: HostId;
}

/** What the sender knows, so that the receiver can answer with what it lacks. */
export interface DigestMessage {
  readonly type: "digest";
  readonly entries: readonly DigestEntry[];
  readonly documents: readonly {
    readonly name: string;
    readonly version: number;
    readonly hash: string;
  }[];
  readonly verdicts: readonly Verdict[];
  /** Hosts that the sender knows are left out: what is not named it may well have. */
  readonly partial?: true;
  /** True beside `partial` while the sender still learns who is there: give it as many as fit. */
  readonly growing?: true;
}

/** Host, incarnation and seq of its summary, incarnation and seq of its inventory (-1: none). */
export type DigestEntry = readonly [HostId, number, number, number, number];

/** Records that the receiver lacks, and a wish for those that the sender lacks. Also the news. */
export interface DeltaMessage {
  readonly type: "delta";
  readonly records: readonly HostRecord[];
  readonly documents: readonly ClusterDocument[];
  readonly verdicts: readonly Verdict[];
  /** Hosts of which the sender wants newer records, with what it has; empty in news. */
  readonly wants: readonly DigestEntry[];
  readonly wantsDocuments: readonly string[];
  /**
   * How long ago each of the records was made, ms, added up along its way; hosts' clocks need not
   * agree for that. Missing: not told, as if made now.
   */
  readonly ages?: readonly number[];
  /** Summaries that are new to their receiver go on to some of its peers, so many hops from the sender. */
  readonly hops?: number;
}

/** A source asks a target to take a VM. */
export interface ProposeMessage {
  readonly type: "propose";
  readonly moveId: MoveId;
  readonly offer: MoveOffer;
  readonly load: VmLoad;
  readonly reason: ActionReason;
  readonly gain: number;
  readonly cost: number;
  /** The source's own projected load, fresher than gossip. */
  readonly source: HostSummary;
  /** Owner version that the move starts from. */
  readonly version: number;
  /** Moves of this VM that followed one another closely, so that its rest goes on growing. */
  readonly recentMoves: number;
}

export interface GrantMessage {
  readonly type: "grant";
  readonly moveId: MoveId;
}

export interface RefuseMessage {
  readonly type: "refuse";
  readonly moveId: MoveId;
  /** In words, with the figures: shown by `explain`. */
  readonly reason: string;
  /** The target's fresh summary, so that the source's next choice is better. */
  readonly summary: HostSummary;
  /** There when asking again soon is of no use: the host itself cannot take this VM. */
  readonly lasting?: true;
}

/** The source starts: the target prepares its copy and listens. */
export interface BeginMessage {
  readonly type: "begin";
  readonly moveId: MoveId;
}

export interface ReadyMessage {
  readonly type: "ready";
  readonly moveId: MoveId;
  readonly channelPort: number;
  /** Where the channel listens, when that is a migration network of its own; else null. */
  readonly channelAddress: string | null;
}

/** The vote: the target's copy is whole and paused, and its journal says so. */
export interface HeldMessage {
  readonly type: "held";
  readonly moveId: MoveId;
}

export interface CommitMessage {
  readonly type: "commit";
  readonly moveId: MoveId;
}

export interface AbortMessage {
  readonly type: "abort";
  readonly moveId: MoveId;
  readonly reason: string;
}

/** Asks the other end what its journal says of a move. */
export interface QueryMessage {
  readonly type: "query";
  readonly moveId: MoveId;
  /** Which end asks: a target asks its source, a source its target. */
  readonly asker: "source" | "target";
}

/**
 * What the target's journal says. `busy`: granted or receiving, no vote yet. `refused` is fsynced:
 * never ran, never will. `ran`: ran, and has stopped since. `unknown`: another journal.
 */
export type TargetAnswer = "busy" | "held" | "running" | "ran" | "refused" | "unknown";
/** What the source's journal says. `closed` needs no more of the target. */
export type SourceAnswer = "open" | "committed" | "aborted" | "closed" | "unknown";

export interface TargetAnswerMessage {
  readonly type: "targetAnswer";
  readonly moveId: MoveId;
  readonly answer: TargetAnswer;
  /** Why, for a refusal; empty otherwise. */
  readonly detail: string;
}

export interface SourceAnswerMessage {
  readonly type: "sourceAnswer";
  readonly moveId: MoveId;
  readonly answer: SourceAnswer;
}

/** The source has discarded its copy: the target may forget the move. */
export interface CloseMessage {
  readonly type: "close";
  readonly moveId: MoveId;
}

/** A VM as far as another host must know it to judge where it could go. */
export interface ExchangedVm {
  readonly vm: VmName;
  readonly memoryBytes: number;
  readonly load: VmLoad;
  readonly policy: VmPolicy;
}

/**
 * Asks the receiver to give its VM `take` for the sender's `give`, where no single move fits.
 * Repeated while the exchange goes on: memory held for a sender that died is free again soon.
 */
export interface ExchangeMessage {
  readonly type: "exchange";
  /** 16 hex digits. */
  readonly exchangeId: string;
  readonly give: ExchangedVm;
  readonly take: VmName;
  readonly gain: number;
  /** The sender's own projected load, fresher than gossip. */
  readonly source: HostSummary;
  /** How long the receiver is to keep memory free for `give`, ms from now. */
  readonly holdMs: number;
}

export interface ExchangeAnswerMessage {
  readonly type: "exchangeAnswer";
  readonly exchangeId: string;
  /** In words; null when the receiver agrees. */
  readonly refusal: string | null;
}

/** Asks the receiver to propose that VM of its own to `to`, as a leg of the exchange. */
export interface PassOnMessage {
  readonly type: "passOn";
  readonly exchangeId: string;
  readonly vm: VmName;
  readonly to: HostId;
}

/** The VM has arrived where it was to be passed on to; or why it will not, in words. */
export interface PassedOnMessage {
  readonly type: "passedOn";
  readonly exchangeId: string;
  readonly vm: VmName;
  readonly refusal: string | null;
}

/** The exchange is done or given up: nothing need be kept free for it. */
export interface ExchangeOverMessage {
  readonly type: "exchangeOver";
  readonly exchangeId: string;
}

/** What two or three hosts say to each other about an exchange; its legs are ordinary moves. */
export type SwapMessage =
  | ExchangeMessage
  | ExchangeAnswerMessage
  | PassOnMessage
  | PassedOnMessage
  | ExchangeOverMessage;

/** A steward's word to the host whose member is meant (lib/services/scale-proposal.ts). */
export interface ScaleMessage {
  readonly type: "scale";
  readonly service: string;
  readonly change: "run" | "rest";
  readonly host: HostId;
  readonly steward: HostId;
  readonly document: { readonly version: number; readonly hash: string };
  readonly changing: readonly HostId[];
  readonly runningDigest: string;
  readonly replaces: HostId | null;
  /** Of a shift only: the host refuses when it is asked for more CPU than this, in cores. */
  readonly cpuCoresMax?: number;
  /** Whoever is asked to pass it on to `host`: between steward and host no word gets through. */
  readonly relay?: HostId;
}

/** The host's answer to its steward. */
export interface ScaleAnswerMessage {
  readonly type: "scaleAnswer";
  readonly service: string;
  /** In words; null when the change is granted. */
  readonly refusal: string | null;
  /** Refused only for what one of the two has not heard yet: worth asking again in a moment. */
  readonly soon?: true;
  /** It goes back the way that the question came: whose answer it is, and for whom. */
  readonly relayed?: { readonly host: HostId; readonly steward: HostId };
}

/** A hot host's wish, to the service's steward: its member resumed at `to`, then suspended here. */
export interface ShiftMessage {
  readonly type: "shift";
  readonly service: string;
  /** The host that asks: nobody shifts another host's member. */
  readonly from: HostId;
  readonly to: HostId;
  /** The target judges by its own figures whether the shift still pays (ShiftCandidate). */
  readonly cpuCoresMax: number;
}

/** The steward's answer to the host that asked. */
export interface ShiftAnswerMessage {
  readonly type: "shiftAnswer";
  readonly service: string;
  /** In words; null when the steward takes the shift on. */
  readonly refusal: string | null;
}

/**
 * A part of a host's inventory, sent to whom it concerns: in a large cluster gossip brings it to
 * most others late or never. It takes the place of the host's last one.
 */
export interface MemberReportMessage extends RecordVersion {
  readonly type: "memberReport";
  readonly standing: {
    readonly draining: boolean;
    readonly utilisation: number;
    readonly freeMemoryBytes: number;
  };
  /** Of services whose steward the receiver is, or all if it has a switch. */
  readonly members: readonly MemberNews[];
  /** Of services whose steward the receiver is, and of its own member while that drains. */
  readonly switch: readonly SwitchNews[];
  /** By the sender as steward: the receiver's members that may be staged, or be removed, now. */
  readonly mayStage: readonly string[];
  readonly mayGo: readonly string[];
}

/** An operator's verb on its way to the host that can carry it out. */
export interface VerbRequestMessage {
  readonly type: "verbRequest";
  readonly requestId: string;
  readonly verb: Verb;
}

export interface VerbReplyMessage {
  readonly type: "verbReply";
  readonly requestId: string;
  readonly result: VerbResult;
}

export type MoveMessage =
  | GrantMessage
  | RefuseMessage
  | BeginMessage
  | ReadyMessage
  | HeldMessage
  | CommitMessage
  | AbortMessage
  | QueryMessage
  | TargetAnswerMessage
  | SourceAnswerMessage
  | CloseMessage;

/** Small enough for one UDP packet; everything else goes over the stream. */
export type DatagramMessage = ProbeMessage | AckMessage | IndirectProbeMessage;

/** What one agent may say to another: the protocol's table of contents. */
export type Message =
  | DatagramMessage
  | DigestMessage
  | DeltaMessage
  | ProposeMessage
  | MoveMessage
  | SwapMessage
  | ScaleMessage
  | ScaleAnswerMessage
  | ShiftMessage
  | ShiftAnswerMessage
  | MemberReportMessage
  | VerbRequestMessage
  | VerbReplyMessage;

export type MessageType = Message["type"];
