import type { HostId, MoveId } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { agentArguments, diskArguments, escaped, networkArguments } from "./device-arguments.ts";

export interface QemuCommand {
  readonly spec: VmSpec;
  readonly accelerator: "kvm" | "tcg";
  /** Versioned, so that both ends of a move build the same machine: "pc-q35-10.0". */
  readonly machineType: string;
  /** Null for QEMU's default. */
  readonly cpuModel: string | null;
  readonly memoryPath: string;
  readonly monitorPath: string;
  readonly serialPath: string;
  /** Where the port to the guest's agent listens, for a guest that has one. */
  readonly agentPath: string;
  /** Host network interface of a bridged guest; null for others. */
  readonly tap: string | null;
  /** True: paused, waiting for `migrate-incoming`. */
  readonly incoming: boolean;
  /** The move that this copy is made for: so that a stray process tells where it belongs. */
  readonly move: { readonly moveId: MoveId; readonly peer: HostId } | null;
}

/** No process of ours ever needs these system calls; a guest that breaks out would. */
const SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

/**
 * QEMU's arguments, one array element each and never through a shell (qemu-system-x86_64(1)).
 * Paths go as JSON where QEMU takes it, since its own syntax splits at commas.
 */
export function qemuArguments(command: QemuCommand): string[] {
  const { spec, memoryPath } = command;
  return [
    ...["-name", `guest=${guestName(command)},debug-threads=on`],
    ...["-nodefaults", "-no-user-config", "-display", "none"],
    ...["-sandbox", SANDBOX],
    ...["-machine", machineArgument(command)],
    ...["-accel", command.accelerator],
    ...(command.cpuModel === null ? [] : ["-cpu", command.cpuModel]),
    ...["-smp", String(spec.vcpus)],
    ...["-m", `size=${spec.memoryBytes / 2 ** 20}M`],
    "-object",
    JSON.stringify({
      "qom-type": "memory-backend-file",
      id: "ram0",
      size: spec.memoryBytes,
      "mem-path": memoryPath,
      share: true,
    }),
    ...["-chardev", `socket,id=mon0,path=${escaped(command.monitorPath)},server=on,wait=off`],
    ...["-mon", "chardev=mon0,mode=control"],
    ...["-chardev", `file,id=ser0,path=${escaped(command.serialPath)},append=on`],
    ...["-serial", "chardev:ser0"],
    ...kernelArguments(spec),
    ...diskArguments(spec),
    ...networkArguments(spec, command.tap),
    ...agentArguments(spec, command.agentPath),
    ...(command.incoming ? ["-S", "-incoming", "defer"] : []),
  ];
}

/** The value of -name: found again in /proc by find-guests.ts. */
function guestName({ spec, move }: QemuCommand): string {
  if (move === null) return `evenkeel:${spec.name}`;
  return `evenkeel:${spec.name}:move=${move.moveId}:peer=${move.peer}`;
}

function machineArgument({ spec, machineType }: QemuCommand): string {
  const options = ["memory-backend=ram0"];
  // Without ACPI a microvm boots fastest, but Debian's kernels find virtio-mmio only through it.
  if (spec.machine === "microvm") options.push(`acpi=${needsAcpi(spec) ? "on" : "off"}`);
  return [machineType, ...options].join(",");
}

/** True when the guest can only find its devices, and hear a power button, through ACPI. */
export function needsAcpi(spec: VmSpec): boolean {
  const hasDevices = spec.disks.length > 0 || spec.network.kind !== "none" || spec.guestAgent;
  return spec.machine !== "microvm" || hasDevices === true;
}

function kernelArguments({ kernel }: VmSpec): string[] {
  if (kernel === null) return [];
  const initrd = kernel.initrd === null ? [] : ["-initrd", kernel.initrd];
  return ["-kernel", kernel.path, ...initrd, "-append", kernel.cmdline];
}
