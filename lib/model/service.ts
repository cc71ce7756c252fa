import type { VmKernel } from "./vm-spec.ts";

/** A file that every host must have, byte for byte. */
export interface DigestedFile {
  /** Absolute path under one of the host's storage roots. */
  readonly path: string;
  /** SHA-256, 64 hex digits in lower case. */
  readonly sha256: string;
}

/**
 * What a member is made from. Texts may hold `${key}`: the host's substitution of that name, or one
 * of the built-in `${host}` (the host's display name) and `${service}`.
 */
export interface MemberTemplate {
  readonly vcpus: number;
  readonly memoryBytes: number;
  readonly machine: "microvm" | "q35" | "pc";
  /** Boots from this kernel; null to boot from `image`. One of the two is there. */
  readonly kernel: {
    readonly kernel: DigestedFile;
    readonly initrd: DigestedFile | null;
    readonly cmdline: VmKernel["cmdline"];
  } | null;
  /** Read-only base of every member's own overlay; null for none. */
  readonly image: (DigestedFile & { readonly format: "raw" | "qcow2" }) | null;
  readonly network:
    | { readonly kind: "user"; readonly guestPort: number; readonly hostPort: string }
    | { readonly kind: "bridge"; readonly bridge: string };
  /** As in VmSpec: there when the guest runs QEMU's guest agent, else absent. */
  readonly guestAgent?: true;
}

/** How a member shows that it serves: an HTTP GET answered with 2xx or 3xx. */
export interface HealthCheck {
  readonly path: string;
  /** For one answer. */
  readonly timeoutMs: number;
  /** A resumed member must be healthy within this time. */
  readonly resumeMsMax: number;
  /** A booted one, at staging. */
  readonly bootMsMax: number;
}

/** When there are too few running members: their mean CPU share, or the sessions of each. */
export type ServiceTarget =
  | { readonly kind: "cpuShare"; readonly share: number }
  | { readonly kind: "sessions"; readonly perMember: number };

/** A service as its document declares it: one member staged on each host, some of them running. */
export interface ServiceSpec {
  /** 1 to 40 of `[a-z0-9-]`. */
  readonly name: string;
  readonly template: MemberTemplate;
  /** Where the switch and the health check reach a member; both texts are substituted. */
  readonly endpoint: { readonly address: string; readonly port: string };
  /** Substitutions by host name; those of `*` hold for every host that does not say otherwise. */
  readonly hosts: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** On how many hosts a member is staged; null for all. */
  readonly stagedMax: number | null;
  readonly running: { readonly min: number; readonly max: number };
  readonly target: ServiceTarget;
  readonly health: HealthCheck;
  /** Sessions under way may go on so long before a member is suspended. */
  readonly drainMs: number;
  /** Least time between two changes of how many run downwards; upwards a tenth of it. */
  readonly settleMs: number;
  /** The switch's backend that spreads the requests; null for none. */
  readonly backend: string | null;
  /**
   * Sessions at a time that a switch gives one member, the others wait there; 1 to 100000, null for
   * no limit. Documents of older agents say nothing of it, which is null.
   */
  readonly connectionsPerMember: number | null;
}

/** Bounds of a service, the same for a file from the admin and for a document from a peer. */
export const serviceLimits = {
  nameLengthMax: 40,
  /** Services that may be declared, deleted ones included: under what all documents may be. */
  servicesMax: 120,
  hostsMax: 1024,
  substitutionsMax: 16,
  textLengthMax: 256,
  membersMax: 1024,
  timeMsMax: 3_600_000,
  connectionsMax: 100_000,
} as const;

const serviceNamePattern = new RegExp(
  `^[a-z0-9]([a-z0-9-]{0,${serviceLimits.nameLengthMax - 2}}[a-z0-9])?$`,
);

/** True for a name that a service may have: its members' files and units are named after it. */
export function isServiceName(value: unknown): value is string {
  return typeof value === "string" && serviceNamePattern.test(value);
}
