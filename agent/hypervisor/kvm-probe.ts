/** QEMU loads a firmware in whole 64 KiB and starts 16 bytes before its end (the reset vector). */
const FIRMWARE_BYTES = 0x10000;
const RESET_VECTOR = 0xfff0;
const HLT = 0xf4;
const DEBUG_EXIT_PORT = 0xf4;
const SIGN = 0x2a;
/** isa-debug-exit ends QEMU with (value << 1) | 1. */
const EXIT_CODE = (SIGN << 1) | 1;

/** A guest of three instructions: mov al, SIGN; out DEBUG_EXIT_PORT, al; hlt. */
export function kvmProbeFirmware(): Uint8Array {
  const firmware = new Uint8Array(FIRMWARE_BYTES).fill(HLT);
  firmware.set([0xb0, SIGN, 0xe6, DEBUG_EXIT_PORT, HLT], RESET_VECTOR);
  return firmware;
}

export function kvmProbeGuest(firmware: string, cpuModel: string): string[] {
  return [
    ...["-accel", "kvm", "-cpu", cpuModel, "-machine", "pc", "-m", "16"],
    ...["-nodefaults", "-no-user-config", "-display", "none", "-bios", firmware],
    ...["-device", `isa-debug-exit,iobase=${DEBUG_EXIT_PORT},iosize=1`],
  ];
}

/** True for the one exit code that only the guest's own instruction brings about. */
export function kvmProbeWorked(error: unknown): boolean {
  return (error as { code?: unknown }).code === EXIT_CODE;
}
