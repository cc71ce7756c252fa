import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { HypervisorFacts } from "#lib/model/host.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { kvmProbeFirmware, kvmProbeGuest, kvmProbeWorked } from "./kvm-probe.ts";
import type { QemuSettings } from "./qemu-options.ts";

const run = promisify(execFile);
const QUESTION_TIMEOUT_MS = 10_000;
/** Before 9, live migration under TCG loses guest memory: measured, 5 of 8 guests oopsed on 7.2. */
const TCG_LIVE_MAJOR_MIN = 9;

/** What the installed QEMU is. */
export interface QemuFacts extends HypervisorFacts {
  readonly accelerator: "kvm" | "tcg";
  /** Machine types that it can build, with what each alias stands for ("q35" → "pc-q35-10.0"). */
  readonly machineTypes: ReadonlyMap<string, string>;
}

/** Asks the QEMU binary and tries KVM. Rejects with HYPERVISOR_MISSING. */
export async function qemuFacts(settings: QemuSettings): Promise<QemuFacts> {
  const version = parseVersion(await ask(settings, ["--version"]));
  const machineTypes = parseMachineTypes(await ask(settings, ["-machine", "help"]));
  const accelerator = await workingAccelerator(settings);
  return {
    kind: "qemu",
    version,
    accelerator,
    liveMigrationRefusal: liveMigrationRefusal(version, accelerator),
    architecture: "x86_64",
    machineTypes,
  };
}

/** "QEMU emulator version 10.0.2 (Debian …)" → "10.0.2". Throws HYPERVISOR_MISSING. */
export function parseVersion(output: string): string {
  const version = /version (\d+\.\d+(?:\.\d+)?)/.exec(output)?.[1];
  if (version !== undefined) return version;
  const words = `QEMU does not say its version but: ${output.slice(0, 100)}`;
  throw new HypervisorError(words, { code: "HYPERVISOR_MISSING" });
}

/** The lines of `-machine help`: a name, a description, and for an alias what it stands for. */
export function parseMachineTypes(output: string): ReadonlyMap<string, string> {
  const types = new Map<string, string>();
  for (const line of output.split("\n").slice(1)) {
    const name = line.split(" ")[0];
    if (name) types.set(name, /\(alias of ([^)]+)\)/.exec(line)?.[1] ?? name);
  }
  return types;
}

export function liveMigrationRefusal(version: string, accelerator: string): string | null {
  if (accelerator !== "tcg" || Number.parseInt(version, 10) >= TCG_LIVE_MAJOR_MIN) return null;
  return (
    `QEMU ${version} corrupts memory when it migrates a guest live without KVM: the guest is ` +
    `stopped while it moves; install QEMU ${TCG_LIVE_MAJOR_MIN} or later`
  );
}

type TrialSettings = Pick<
  QemuSettings,
  "accelerator" | "stateDirectory" | "qemuBinary" | "cpuModel" | "log"
>;

/** KVM if a guest really runs with it here, as far as the settings leave the choice. */
export async function workingAccelerator(settings: TrialSettings): Promise<"kvm" | "tcg"> {
  if (settings.accelerator === "tcg") return "tcg";
  const why = await kvmProblem(settings);
  if (why === null) return "kvm";
  if (settings.accelerator === "kvm") {
    const words = `the accelerator is set to kvm, but no guest runs with it here: ${why}`;
    throw new HypervisorError(words, { code: "HYPERVISOR_MISSING" });
  }
  settings.log.write("warn", "guests run without KVM, many times slower", { reason: why });
  return "tcg";
}

/** /dev/kvm may be there and yet run nothing: only a guest that ran proves it. */
async function kvmProblem(settings: TrialSettings): Promise<string | null> {
  const firmware = join(settings.stateDirectory, "kvm-probe.bin");
  await mkdir(settings.stateDirectory, { recursive: true, mode: 0o700 });
  await writeFile(firmware, kvmProbeFirmware());
  try {
    await run(settings.qemuBinary, kvmProbeGuest(firmware, settings.cpuModel ?? "host"), {
      timeout: QUESTION_TIMEOUT_MS,
    });
    return "the trial guest ended without doing its work";
  } catch (error) {
    return kvmProbeWorked(error) ? null : lastLine(error);
  }
}

async function ask(settings: QemuSettings, args: string[]): Promise<string> {
  try {
    return (await run(settings.qemuBinary, args, { timeout: QUESTION_TIMEOUT_MS })).stdout;
  } catch (cause) {
    const words = `${settings.qemuBinary} cannot be used: install qemu-system-x86 or set its path`;
    throw new HypervisorError(`${words}: ${lastLine(cause)}`, {
      code: "HYPERVISOR_MISSING",
      cause,
    });
  }
}

function lastLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: unknown; message?: unknown };
  const text = typeof stderr === "string" && stderr.trim() !== "" ? stderr : String(message);
  return text.trim().split("\n").at(-1) ?? "";
}
