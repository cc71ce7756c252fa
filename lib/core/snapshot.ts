import type { Candidate, PlannedMove, ShiftCandidate } from "../model/action.ts";
import type { HostSummary } from "../model/host.ts";
import type { HostShutdown } from "../model/host-shutdown.ts";
import type { HostId, MoveId, VmName } from "../model/ids.ts";
import type { ServiceMemberState } from "../model/member-news.ts";
import type { MoveOutcome } from "../model/move-outcome.ts";
import type { ServiceSpec } from "../model/service.ts";
import type { TransferProgress } from "../model/transfer-progress.ts";
import type { MemberState } from "../model/verdict.ts";
import type { VmEntry } from "../model/vm.ts";
import type { VmSpec } from "../model/vm-spec.ts";

export interface MemberView {
  readonly host: HostId;
  /** Display name: the host's own, suffixed where two hosts bear the same. */
  readonly name: string;
  readonly state: MemberState;
  readonly incarnation: number;
  /** Age of the newest summary by the local clock; null for none yet. */
  readonly ageMs: number | null;
  readonly self: boolean;
  readonly summary: HostSummary | null;
  /** How far its clock is ahead of this host's, ms; absent where it did not tell. */
  readonly clockSkewMs?: number;
}

export interface VmView extends VmEntry {
  readonly host: HostId;
  readonly hostName: string;
  /** State of the member that holds it: a VM of a dead member is only remembered. */
  readonly hostState: MemberState;
}

/** A service's member on one host, as it is known here. */
export interface ServiceMemberView {
  readonly host: HostId;
  readonly hostName: string;
  /** `gone`: the host is dead; what is shown of its member was so before. */
  readonly hostState: "live" | "suspect" | "gone";
  readonly state: ServiceMemberState;
  readonly outdated: boolean;
  /** False for one that runs and fails its health check; `obstacle` says with what. */
  readonly healthy: boolean;
  /** Why it is not what it should be, in words; "" when nothing is in the way. */
  readonly obstacle: string;
  /** CPU demand over its vCPUs; null while not known. */
  readonly cpuShare: number | null;
  /** As the switches count them; null where no switch tells. */
  readonly sessions: number | null;
  readonly diskBytes: number;
}

/** What one host's switch shows of a service. */
export interface ServiceSwitchView {
  readonly host: HostId;
  readonly hostName: string;
  /** Sessions that wait because no member has room. */
  readonly queued: number;
  /** What the last look at it failed on, in words; "" when on nothing. */
  readonly problem: string;
}

/** What becomes of a service, as this host sees it. */
export interface ServiceLife {
  /** In the order of the hosts' names. */
  readonly members: readonly ServiceMemberView[];
  /** By hosts that have a switch and wanted something of it for this service. */
  readonly switches: readonly ServiceSwitchView[];
  /** Who proposes its changes now; null where nobody takes part in services. */
  readonly steward: string | null;
  /** The last refusal that this host had as steward, with who refused; "" for none. */
  readonly lastRefusal: string;
}

/** A service as its document has it; the same on every host that the document has reached. */
export interface ServiceView {
  readonly name: string;
  readonly version: number;
  /** The host that wrote this version. */
  readonly author: HostId;
  readonly authorName: string;
  readonly state: "declared" | "deleted" | "unreadable";
  /** Null unless declared. */
  readonly spec: ServiceSpec | null;
  /** Why it cannot be read; null when it can. */
  readonly problem: string | null;
  /** Null on a host that takes no part in services. */
  readonly life: ServiceLife | null;
}

/** A move under way at this host, at either end. */
export interface MoveView {
  readonly moveId: MoveId;
  readonly vm: VmName;
  readonly role: "source" | "target";
  readonly peer: HostId;
  readonly peerName: string;
  readonly phase: string;
  readonly ageMs: number;
  readonly progress: TransferProgress | null;
  readonly inDoubt: boolean;
}

/** A fact that an admin should see at once: duplicate VM, cloned identity, VM in doubt or lost. */
export interface Alarm {
  readonly code: "duplicate" | "clone" | "in-doubt" | "lost" | "name-clash" | "stray-copy";
  readonly message: string;
  readonly remedy: string;
}

/** Counters of the core since this life began. */
export interface CoreCounters {
  readonly rounds: number;
  readonly proposalsSent: number;
  readonly proposalsReceived: number;
  readonly grants: number;
  readonly refusals: number;
  readonly movesOut: number;
  readonly movesIn: number;
  readonly movesFailed: number;
  readonly suspicions: number;
  readonly refutations: number;
  readonly recordsAccepted: number;
  readonly recordsStale: number;
}

/** Everything a reader may see of an agent, at one moment. Plain data, safe to keep. */
export interface Snapshot {
  readonly self: HostId;
  readonly name: string;
  readonly keyed: boolean;
  readonly mode: "act" | "hold";
  readonly draining: boolean;
  readonly incarnation: number;
  readonly uptimeMs: number;
  /** Monotonic ms plus this is wall-clock ms. */
  readonly wallOffsetMs: number;
  readonly members: readonly MemberView[];
  readonly vms: readonly VmView[];
  readonly ownedSpecs: readonly VmSpec[];
  /** By name, deleted ones too. */
  readonly services: readonly ServiceView[];
  readonly moves: readonly MoveView[];
  readonly history: readonly MoveOutcome[];
  /** What this host would do now, best first, and why not the rest. */
  readonly plan: { readonly moves: readonly PlannedMove[]; readonly reason: string };
  readonly considered: readonly Candidate[];
  /** Own members of services and where they could run instead, best first. */
  readonly shifts: readonly ShiftCandidate[];
  readonly alarms: readonly Alarm[];
  /** While this host ends its guests because it shuts down; null else. */
  readonly shutdown: HostShutdown | null;
  readonly counters: CoreCounters;
}
