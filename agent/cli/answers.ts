import type { ActionReason, Candidate } from "#lib/model/action.ts";
import type { HypervisorFacts, Presence } from "#lib/model/host.ts";
import type { HostShutdown } from "#lib/model/host-shutdown.ts";
import type { HostId, MoveId, VmName } from "#lib/model/ids.ts";
import type { HostPressure, VmLoad } from "#lib/model/load.ts";
import type { ServiceMemberState } from "#lib/model/member-news.ts";
import type { MoveOutcome } from "#lib/model/move-outcome.ts";
import type { ServiceSpec } from "#lib/model/service.ts";
import type { MemberState } from "#lib/model/verdict.ts";
import type { VmState } from "#lib/model/vm.ts";
import type { VmPolicy } from "#lib/model/vm-spec.ts";

/**
 * What the agent answers, as its client reads it. The command is a client of the socket and shares
 * no code with it; a test holds the two descriptions together.
 */

/** One of `GET /v1/members`. Shares are 0..1 of the capacity; null: not known. */
export interface MemberAnswer {
  readonly name: string;
  readonly state: MemberState;
  readonly host: HostId;
  readonly self: boolean;
  readonly ageMs: number | null;
  readonly incarnation: number;
  readonly presence: Presence | null;
  readonly keyed: boolean | null;
  readonly draining: boolean;
  readonly vmCount: number | null;
  /** Projected: measured, and what was agreed to come or go. */
  readonly cpuShare: number | null;
  readonly measuredCpuShare: number | null;
  readonly cpuCapacityCores: number | null;
  readonly memoryShare: number | null;
  readonly memoryCapacityBytes: number | null;
  /** Null where the links' speed is not known. */
  readonly networkShare: number | null;
  readonly networkCapacityBytesPerSecond: number | null;
  readonly pressure: HostPressure | null;
  readonly freeSlotsIn: number | null;
  readonly freeSlotsOut: number | null;
  readonly hypervisor: HypervisorFacts | null;
  readonly addresses: readonly string[];
  readonly probePort: number | null;
  readonly clockSkewMs: number | null;
  readonly agentVersion: string | null;
}

/** One of `GET /v1/vms`. */
export interface VmAnswer {
  readonly name: VmName;
  /** Display name of the host that owns it. */
  readonly host: string;
  readonly hostId: HostId;
  readonly hostState: MemberState;
  readonly state: VmState;
  readonly version: number;
  readonly vcpus: number;
  readonly memoryBytes: number;
  readonly load: VmLoad | null;
  readonly policy: VmPolicy;
  readonly moveId: MoveId | null;
  readonly moveTarget: string | null;
  readonly immovable: string | null;
}

/** `GET /v1/shutdown`: null while the host does not end its guests. */
export interface ShutdownAnswer {
  readonly shutdown: HostShutdown | null;
}

/** One of `GET /v1/moves`. */
export interface MoveAnswer {
  readonly moveId: MoveId;
  readonly vm: VmName;
  readonly role: "source" | "target";
  readonly from: string;
  readonly to: string;
  readonly phase: string;
  readonly ageMs: number;
  readonly inDoubt: boolean;
  readonly progress: ProgressAnswer | null;
}

interface ProgressAnswer {
  readonly share: number | null;
  readonly transferredBytes: number;
  readonly remainingBytes: number;
  readonly totalBytes: number;
  readonly dirtyBytesPerSecond: number | null;
}

/** One of `GET /v1/history`; `from` and `to` are display names. */
export interface OutcomeAnswer extends MoveOutcome {
  readonly fromId: HostId;
  readonly toId: HostId;
}

/** One candidate of `GET /v1/plan` or `GET /v1/explain/NAME`; `from` and `to` are display names. */
export interface CandidateAnswer extends Candidate {
  readonly fromId: HostId;
  readonly toId: HostId;
}

export interface PlannedMoveAnswer extends CandidateAnswer {
  readonly reason: ActionReason;
}

export interface StatusAnswer {
  readonly name: string;
  readonly host: HostId;
  readonly agentVersion: string | null;
  readonly keyed: boolean;
  readonly mode: "act" | "hold";
  readonly draining: boolean;
  readonly uptimeMs: number;
  readonly memberCounts: Readonly<Partial<Record<MemberState, number>>>;
  readonly vmCounts: Readonly<Partial<Record<VmState, number>>>;
  readonly spread: { readonly cpuSd: number | null; readonly memorySd: number | null };
  readonly members: readonly MemberAnswer[];
  readonly moves: readonly MoveAnswer[];
  readonly plan: { readonly reason: string; readonly moves: readonly PlannedMoveAnswer[] };
  readonly alarms: readonly AlarmAnswer[];
  readonly lastMoves: readonly OutcomeAnswer[];
}

interface AlarmAnswer {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

export interface PlanAnswer {
  readonly mode: "act" | "hold";
  readonly keyed: boolean;
  readonly reason: string;
  readonly moves: readonly PlannedMoveAnswer[];
  readonly considered: readonly CandidateAnswer[];
  /** Missing where the agent's version knows no shifts. */
  readonly shifts?: readonly CandidateAnswer[];
}

export interface ExplainAnswer {
  readonly vm: VmName;
  readonly host: string;
  /** The service whose member it is; null or missing for a VM. */
  readonly service?: string | null;
  readonly reason: string;
  readonly candidates: readonly CandidateAnswer[];
  readonly history: readonly OutcomeAnswer[];
}

export interface OneMoveAnswer {
  readonly moveId: MoveId;
  readonly move: MoveAnswer | null;
  readonly vm: VmAnswer | null;
  readonly outcome: OutcomeAnswer | null;
}

/** One of `GET /v1/services`. */
export interface ServiceAnswer {
  readonly name: string;
  readonly state: "declared" | "deleted" | "unreadable";
  readonly version: number;
  /** Display name of the host that wrote this version. */
  readonly author: string;
  readonly authorId: HostId;
  readonly problem: string | null;
  readonly spec: ServiceSpec | null;
  /** Display name of the host that proposes its changes now; null where none is known. */
  readonly steward: string | null;
  /** What the asked host was refused last as steward; "" for nothing. */
  readonly lastRefusal: string;
  readonly switches: readonly {
    readonly host: string;
    readonly hostId: HostId;
    readonly queued: number;
    readonly problem: string;
  }[];
  readonly members: readonly ServiceMemberAnswer[];
}

/** A service's member on one host. */
export interface ServiceMemberAnswer {
  readonly host: string;
  readonly hostId: HostId;
  readonly hostState: "live" | "suspect" | "gone";
  readonly state: ServiceMemberState;
  readonly outdated: boolean;
  readonly healthy: boolean;
  readonly obstacle: string;
  readonly cpuShare: number | null;
  readonly sessions: number | null;
  readonly diskBytes: number;
}

export interface OneServiceAnswer {
  readonly mode: "act" | "hold";
  readonly service: ServiceAnswer;
  /** What `POST /v1/services` takes again; null for one that cannot be read. */
  readonly file: Readonly<Record<string, unknown>> | null;
}

/** What every verb that changes something is answered with. */
export interface VerbAnswer {
  readonly status: number;
  readonly message: string;
  readonly moveId: MoveId | null;
  readonly data: unknown;
}

/** One event of `GET /v1/events`. */
export interface EventAnswer {
  readonly at: string;
  readonly code: string;
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;
}
