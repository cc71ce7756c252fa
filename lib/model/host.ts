import type { HostPressure } from "./load.ts";

/** What the hypervisor of a host is, as far as a move must know. */
export interface HypervisorFacts {
  readonly kind: "sim" | "qemu" | "libvirt";
  /** As the hypervisor reports itself, for example "10.0.2". */
  readonly version: string;
  readonly accelerator: "kvm" | "tcg" | "none";
  /** Null when guests can be migrated live; else why not, in words. */
  readonly liveMigrationRefusal: string | null;
  readonly architecture: string;
  /** Name of the processor and a digest of its features; for people. Older agents do not tell. */
  readonly processor?: string;
  /** What of its storage others may mount, too, by name; for people. Absent for none. */
  readonly sharedStorage?: readonly string[];
}

/** `left` is for good; `restarting` promises to come back with the same identity. */
export type Presence = "here" | "restarting" | "left";

/** How much of an affinity group a host holds, VMs on their way to it included. */
export interface AffinityPart {
  readonly group: string;
  readonly vms: number;
  readonly memoryBytes: number;
}

/**
 * The summary that a host signs and gossips: about 300 bytes, at most once in 5 s unless something
 * mattered. Projected = measured + granted in - granted out (the raw figure makes hosts oscillate).
 */
export interface HostSummary {
  readonly name: string;
  readonly presence: Presence;
  readonly draining: boolean;
  readonly cpuCapacityCores: number;
  readonly memoryCapacityBytes: number;
  readonly projectedCpuCores: number;
  readonly projectedMemoryBytes: number;
  readonly measuredCpuCores: number;
  /** Both directions together. A capacity of 0 is not known, and its figure counts for nothing. */
  readonly projectedNetworkBytesPerSecond: number;
  readonly networkCapacityBytesPerSecond: number;
  readonly pressure: HostPressure | null;
  readonly freeSlotsIn: number;
  readonly freeSlotsOut: number;
  readonly vmCount: number;
  readonly antiAffinityGroups: readonly string[];
  /** In the order of their names. */
  readonly affinityGroups: readonly AffinityPart[];
  readonly hypervisor: HypervisorFacts;
  /** Multiaddrs that others may dial, most useful first. */
  readonly addresses: readonly string[];
  /** UDP port of the probes on the same IP addresses; 0 when UDP is off. */
  readonly probePort: number;
  readonly keyed: boolean;
  /** What it does for services, with a switch of its own or without; left out when nothing. */
  readonly services?: "members" | "switch";
  /** Its agent has not measured its guests yet: nobody levels by its figures. Left out when it has. */
  readonly measuring?: true;
  readonly protocolMin: number;
  readonly protocolMax: number;
  readonly agentVersion: string;
  /** Random per process start: two of them at one identity are a clone. */
  readonly instance: string;
}
