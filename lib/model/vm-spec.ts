import type { VmName } from "./ids.ts";

/** A port of the host (loopback unless the admin says otherwise) that leads to one of the guest. */
export interface PortForward {
  readonly protocol: "tcp" | "udp";
  readonly hostPort: number;
  readonly guestPort: number;
}

export type VmNetwork =
  | { readonly kind: "none" }
  | { readonly kind: "user"; readonly forwards: readonly PortForward[] }
  | { readonly kind: "bridge"; readonly bridge: string; readonly mac: string };

export interface VmDisk {
  /** Absolute path under one of the configured storage roots. */
  readonly path: string;
  readonly format: "raw" | "qcow2";
}

/** Boot from a kernel instead of the first disk. */
export interface VmKernel {
  readonly path: string;
  readonly initrd: string | null;
  readonly cmdline: string;
}

/**
 * What becomes of a VM when its host shuts down: it is asked to power off, suspended to disk, moved
 * to another host (suspended if it cannot), or left to whatever else ends it.
 */
export type ShutdownPolicy = (typeof shutdownPolicies)[number];
export const shutdownPolicies = ["off", "suspend", "migrate", "leave"] as const;

/** What a VM gets that says nothing else. */
export const policyDefaults = { priority: 50, shutdown: "off" } as const;
export const priorityMax = 100;

/**
 * What the admin asks of the cluster for this VM. What may be missing is never its default: so equal
 * policies are equal texts, also to agents that do not know the field.
 */
export interface VmPolicy {
  /** Host name that the VM must stay on or go to; null for any. */
  readonly pin: string | null;
  /** True: the balancer never proposes this VM; operator verbs still work. */
  readonly ignore: boolean;
  /** VMs of one group are kept on different hosts; null for none. */
  readonly antiAffinityGroup: string | null;
  /** VMs of one group are kept together on one host; null for none. */
  readonly affinityGroup: string | null;
  /** There when evenkeel is to keep its hands off, also as the host stops and boots: verbs alone. */
  readonly managed?: false;
  /** 0 to 100: who has more is started earlier at the host's boot, and ended later. */
  readonly priority?: number;
  readonly shutdown?: ShutdownPolicy;
}

/** A VM as its owner's journal defines it. It travels with the VM when it moves. */
export interface VmSpec {
  readonly name: VmName;
  readonly vcpus: number;
  readonly memoryBytes: number;
  readonly machine: "microvm" | "q35" | "pc";
  readonly kernel: VmKernel | null;
  readonly disks: readonly VmDisk[];
  readonly network: VmNetwork;
  /**
   * There when the guest runs QEMU's guest agent: it gets a port for it, over which its clock is set
   * at each resume. Absent, never false, when it does not: so equal VMs are equal texts, also to
   * agents that do not know the field.
   */
  readonly guestAgent?: true;
  readonly policy: VmPolicy;
}

/** Bounds of a spec, the same for a file from the admin and for bytes from a peer. */
export const vmLimits = {
  vcpusMax: 512,
  memoryBytesMin: 1 << 20,
  memoryBytesMax: 2 ** 46,
  disksMax: 16,
  forwardsMax: 32,
  pathLengthMax: 1024,
  cmdlineLengthMax: 2048,
} as const;
