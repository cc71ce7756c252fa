import { join } from "node:path";
import type { Clock } from "#agent/ports/clock.ts";
import type { Log } from "#agent/ports/log.ts";

export interface QemuDriverOptions {
  /** Guests' folders, saved images, sockets: 0700, ours alone. Short: it holds UNIX sockets. */
  readonly stateDirectory: string;
  /** Folders that disks, kernels and initrds may lie in, after realpath. */
  readonly storageRoots: readonly string[];
  /** Bridges that a guest may be attached to. */
  readonly bridges: readonly string[];
  /** Default "qemu-system-x86_64", looked up on the PATH. */
  readonly qemuBinary?: string;
  /** Serial output, one file a VM, appended to. Default: `serial` in the state directory. */
  readonly serialDirectory?: string;
  /**
   * Where the memory of running guests lies. Default: the guest's folder, which makes suspending
   * cheapest but lets the kernel write dirty guest memory to that disk. A folder on a tmpfs avoids
   * that; a suspend then copies the memory to the guest's folder.
   */
  readonly memoryDirectory?: string;
  /** Default "auto": kvm if a guest really runs with it, else tcg. */
  readonly accelerator?: "auto" | "kvm" | "tcg";
  /** QEMU's -cpu; default "host" with kvm and QEMU's own default with tcg. */
  readonly cpuModel?: string;
  /** How long a guest that was asked to power off may take, ms. Default 20 s. */
  readonly powerdownWaitMs?: number;
  /** True when systemd runs this machine; default: /run/systemd/system exists. */
  readonly systemd?: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** The options with every default filled in. */
export interface QemuSettings extends QemuDriverOptions {
  readonly qemuBinary: string;
  readonly serialDirectory: string;
  readonly accelerator: "auto" | "kvm" | "tcg";
  readonly powerdownWaitMs: number;
}

const POWERDOWN_WAIT_MS = 20_000;

export function qemuSettings(options: QemuDriverOptions): QemuSettings {
  return {
    ...options,
    qemuBinary: options.qemuBinary ?? "qemu-system-x86_64",
    serialDirectory: options.serialDirectory ?? join(options.stateDirectory, "serial"),
    accelerator: options.accelerator ?? "auto",
    powerdownWaitMs: options.powerdownWaitMs ?? POWERDOWN_WAIT_MS,
  };
}
