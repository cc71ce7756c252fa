import { join } from "node:path";
import type { Clock } from "#agent/ports/clock.ts";
import type { Log } from "#agent/ports/log.ts";

export interface LibvirtDriverOptions {
  /** The driver's own records of VMs: 0700, ours alone. */
  readonly stateDirectory: string;
  /** Folders that disks, kernels and initrds may lie in, after realpath. */
  readonly storageRoots: readonly string[];
  /** Bridges that a guest may be attached to. */
  readonly bridges: readonly string[];
  /** Folders on local disks whose images are copied along by a move. Default: none. */
  readonly copiedRoots?: readonly string[];
  /** Connection URI of the daemon on this host. Default "qemu:///system". */
  readonly uri?: string;
  /** Default "virsh", looked up on the PATH. */
  readonly virsh?: string;
  /** Default "auto": kvm if a guest really runs with it, else tcg. */
  readonly accelerator?: "auto" | "kvm" | "tcg";
  /** QEMU's program, for the trial of KVM alone. Default "qemu-system-x86_64". */
  readonly qemuBinary?: string;
  /** libvirt's name of a CPU model; default: the host's own with kvm, libvirt's default with tcg. */
  readonly cpuModel?: string;
  /** How long a guest that was asked to power off may take, ms. Default 20 s. */
  readonly powerdownWaitMs?: number;
  /** Where the file system that the daemon sees is reached from here. Default: it is ours, "". */
  readonly hostRoot?: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** The options with every default filled in. */
export interface LibvirtSettings extends LibvirtDriverOptions {
  readonly copiedRoots: readonly string[];
  readonly uri: string;
  readonly virsh: string;
  readonly accelerator: "auto" | "kvm" | "tcg";
  readonly qemuBinary: string;
  readonly powerdownWaitMs: number;
  readonly hostRoot: string;
}

const POWERDOWN_WAIT_MS = 20_000;

export function libvirtSettings(options: LibvirtDriverOptions): LibvirtSettings {
  return {
    ...options,
    copiedRoots: options.copiedRoots ?? [],
    uri: options.uri ?? "qemu:///system",
    virsh: options.virsh ?? "virsh",
    accelerator: options.accelerator ?? "auto",
    qemuBinary: options.qemuBinary ?? "qemu-system-x86_64",
    powerdownWaitMs: options.powerdownWaitMs ?? POWERDOWN_WAIT_MS,
    hostRoot: options.hostRoot ?? "",
  };
}

/** A path of the daemon's as it is reached from here. */
export function seenPath({ hostRoot }: Pick<LibvirtSettings, "hostRoot">, path: string): string {
  return hostRoot === "" ? path : join(hostRoot, path);
}
