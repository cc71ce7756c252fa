import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Log } from "#agent/ports/log.ts";
import { HypervisorError } from "./hypervisor-error.ts";
import { kvmProbeFirmware, kvmProbeGuest, kvmProbeWorked } from "./kvm-probe.ts";
import { lastLineOf } from "./last-line-of.ts";

const run = promisify(execFile);
const TRIAL_MS_MAX = 10_000;

/** What the trial of KVM needs of a driver's settings. */
interface TrialSettings {
  readonly accelerator: "auto" | "kvm" | "tcg";
  readonly stateDirectory: string;
  readonly qemuBinary: string;
  readonly cpuModel?: string;
  readonly log: Log;
}

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
      timeout: TRIAL_MS_MAX,
    });
    return "the trial guest ended without doing its work";
  } catch (error) {
    return kvmProbeWorked(error) ? null : lastLineOf(error);
  }
}
