import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { HypervisorFacts } from "#lib/model/host.ts";
import { hostTraits } from "../host-traits.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { lastLineOf } from "../last-line-of.ts";
import { liveMigrationRefusal } from "../live-migration-refusal.ts";
import { workingAccelerator } from "../working-accelerator.ts";
import type { QemuSettings } from "./qemu-options.ts";

const run = promisify(execFile);
const QUESTION_TIMEOUT_MS = 10_000;

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
    ...(await hostTraits(settings.storageRoots)),
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

async function ask(settings: QemuSettings, args: string[]): Promise<string> {
  try {
    return (await run(settings.qemuBinary, args, { timeout: QUESTION_TIMEOUT_MS })).stdout;
  } catch (cause) {
    const words = `${settings.qemuBinary} cannot be used: install qemu-system-x86 or set its path`;
    throw new HypervisorError(`${words}: ${lastLineOf(cause)}`, {
      code: "HYPERVISOR_MISSING",
      cause,
    });
  }
}
