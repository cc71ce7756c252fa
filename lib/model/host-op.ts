import type { HostId, MoveId, VmName } from "./ids.ts";
import type { MoveNeeds } from "./move-needs.ts";
import type { DigestedFile } from "./service.ts";
import type { VmSpec } from "./vm-spec.ts";

/** Facts that the source adds to a proposal, so that the target can check them. */
export interface MoveOffer {
  readonly spec: VmSpec;
  readonly hypervisorVersion: string;
  readonly accelerator: "kvm" | "tcg" | "none";
  readonly machineType: string;
  /** Written beside every disk image by the source and read by the target; null without disks. */
  readonly storageNonce: string | null;
  /** Absent where the spec says it all, and from older agents. */
  readonly needs?: MoveNeeds;
  /** The move's sockets lie in the agents' own folder on both hosts; absent for the hypervisor's. */
  readonly sockets?: "agent";
}

/** Limits of one transfer. */
export interface TransferLimits {
  /** 0 for no cap. */
  readonly bandwidthBytesPerSecond: number;
  /** Downtime that the hypervisor may plan for. */
  readonly downtimeMs: number;
  /** No headway for this long aborts the move. */
  readonly noProgressMs: number;
}

/** How a member shows that it serves (HealthCheck), at its endpoint. */
export interface MemberProbe {
  readonly address: string;
  readonly port: number;
  readonly path: string;
  /** For one answer. */
  readonly timeoutMs: number;
  /** From the first question to the last. */
  readonly msMax: number;
}

/** What a member is made from. */
export interface MemberMaking {
  /** Base of the overlay at `spec.disks[0]`; null for a member without a disk. */
  readonly base: (DigestedFile & { readonly format: "raw" | "qcow2" }) | null;
  /** What must be on the host, byte for byte. */
  readonly files: readonly DigestedFile[];
  readonly probe: MemberProbe;
}

/**
 * What the core may ask of its host: one effect, one call of the hypervisor or channel port.
 * The core numbers each (`opId`) and is told its end exactly once, unless the agent dies first.
 */
export type HostOp =
  | { readonly op: "offer"; readonly moveId: MoveId; readonly spec: VmSpec }
  | { readonly op: "admit"; readonly moveId: MoveId; readonly offer: MoveOffer }
  /** Start the paused target copy; ends when it can take the stream. */
  | {
      readonly op: "prepareIncoming";
      readonly moveId: MoveId;
      readonly spec: VmSpec;
      readonly source: HostId;
    }
  /** Target end of the channel, leading to the prepared copy; ends when it listens. */
  | { readonly op: "listenChannel"; readonly moveId: MoveId; readonly vm: VmName }
  /** Ends when the incoming migration is completed and the copy paused, or failed. */
  | { readonly op: "awaitIncoming"; readonly moveId: MoveId; readonly vm: VmName }
  /** Source end of the channel; ends when the TLS connection to the target stands. */
  | {
      readonly op: "connectChannel";
      readonly moveId: MoveId;
      readonly vm: VmName;
      readonly target: HostId;
      readonly addresses: readonly string[];
      readonly port: number;
    }
  /** Ends when the copy is sent (paused), handed over by the hypervisor itself, or failed. */
  | {
      readonly op: "migrateOut";
      readonly moveId: MoveId;
      readonly vm: VmName;
      readonly limits: TransferLimits;
    }
  | { readonly op: "cancelMigration"; readonly moveId: MoveId; readonly vm: VmName }
  | { readonly op: "closeChannel"; readonly moveId: MoveId }
  /** Lets a received copy run and announces its addresses. */
  | { readonly op: "runIncoming"; readonly moveId: MoveId; readonly vm: VmName }
  /** Lets the source's paused copy run again after an abort. */
  | { readonly op: "takeBack"; readonly moveId: MoveId; readonly vm: VmName }
  /** Kills the copy and removes what belongs to it alone. Succeeds when there is none. */
  | { readonly op: "discard"; readonly moveId: MoveId; readonly vm: VmName }
  /** What the hypervisor left of a move, read after a restart. */
  | { readonly op: "moveVerdict"; readonly moveId: MoveId; readonly vm: VmName }
  | { readonly op: "start"; readonly spec: VmSpec }
  | { readonly op: "stop"; readonly vm: VmName; readonly force: boolean }
  | { readonly op: "suspend"; readonly spec: VmSpec }
  | { readonly op: "resume"; readonly spec: VmSpec }
  /** Removes a suspended image and everything else of a VM that is not running here. */
  | { readonly op: "forget"; readonly vm: VmName }
  /** Writes the VM's policy where the hypervisor's own tools show it. */
  | { readonly op: "writePolicy"; readonly spec: VmSpec }
  /**
   * Stages a member up to serving: removes what was there of it, checks the files' digests, makes
   * the overlay on its base, boots, and ends when the health check passed.
   */
  | { readonly op: "stageMember"; readonly spec: VmSpec; readonly making: MemberMaking }
  /** Ends when a member that runs answers its health check, or its time is over. */
  | { readonly op: "checkMember"; readonly vm: VmName; readonly probe: MemberProbe }
  /** Asks a member once; ends when it has answered well, fails when it has not. */
  | { readonly op: "askMember"; readonly vm: VmName; readonly probe: MemberProbe }
  /** Kills the member's copy, removes its image and its overlay. Succeeds when there is nothing. */
  | { readonly op: "discardMember"; readonly spec: VmSpec };

export type MoveVerdict =
  /** The source copy is paused and whole: the choice is ours (QEMU). */
  | "open"
  /** The hypervisor itself gave the copy away (libvirt: shut off, migrated). */
  | "committed"
  /** The source copy runs. */
  | "aborted"
  /** There is no copy here. */
  | "gone"
  | "in-doubt";

/** The value of an operation that succeeded, by operation. */
export interface HostOpValues {
  readonly offer: MoveOffer;
  readonly admit: { readonly refusal: string | null };
  readonly prepareIncoming: null;
  readonly listenChannel: { readonly port: number; readonly address: string | null };
  readonly awaitIncoming: null;
  readonly connectChannel: null;
  readonly migrateOut: {
    readonly end: "sent" | "handed";
    readonly transferredBytes: number;
    /** How long the guest had been paused when the operation ended. */
    readonly pausedForMs: number;
  };
  readonly cancelMigration: null;
  readonly closeChannel: null;
  readonly runIncoming: null;
  readonly takeBack: null;
  readonly discard: null;
  readonly moveVerdict: { readonly verdict: MoveVerdict };
  readonly start: null;
  readonly stop: null;
  readonly suspend: { readonly imageBytes: number };
  readonly resume: null;
  readonly forget: null;
  readonly writePolicy: null;
  /** All that the member takes on the disk now, bytes. */
  readonly stageMember: { readonly diskBytes: number };
  /** How long it took from the first question, ms. */
  readonly checkMember: { readonly tookMs: number };
  readonly askMember: null;
  readonly discardMember: null;
}

export type HostOpName = HostOp["op"];

export type HostOpResult =
  | { readonly ok: true; readonly value: HostOpValues[HostOpName] }
  | { readonly ok: false; readonly code: string; readonly message: string };
