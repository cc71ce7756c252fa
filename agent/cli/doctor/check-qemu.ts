import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { promisify } from "node:util";
import { type Check, type Finding, fail, ok, warn, wordsOf } from "./finding.ts";

const run = promisify(execFile);

const PROBE_WAIT_MS = 10_000;
const KVM_DEVICE = "/dev/kvm";

/** Below this, QEMU without KVM corrupts guests' memory in a live migration. */
const TCG_MIGRATION_MAJOR_MIN = 9;

/** Is QEMU there, can it use KVM, and may guests be migrated live? */
export const checkQemu: Check = async ({ config }) => {
  const { driver, qemuBinary } = config.hypervisor;
  if (driver === "sim") return [ok("qemu", "not needed: guests are simulated")];
  try {
    const { stdout } = await run(qemuBinary, ["--version"], { timeout: PROBE_WAIT_MS });
    const version = /version ([0-9]+(?:\.[0-9]+)*)/.exec(stdout)?.[1] ?? "unknown";
    const kvmProblem = await findKvmProblem(qemuBinary);
    return [
      ok("qemu", `${qemuBinary} ${version}`),
      ...acceleratorFindings(version, kvmProblem),
      ...(await imageToolFindings()),
    ];
  } catch (error) {
    const detail = `${qemuBinary} cannot be run: ${wordsOf(error).split("\n")[0]}`;
    return [fail("qemu", detail, "apt-get install qemu-system-x86, or set hypervisor.qemuBinary")];
  }
};

/** Members of services lie on overlays, which another program makes. */
export async function imageToolFindings(program = "qemu-img"): Promise<readonly Finding[]> {
  try {
    await run(program, ["--version"], { timeout: PROBE_WAIT_MS });
    return [];
  } catch {
    const detail = `${program} cannot be run: this host can take no members of services`;
    return [warn("qemu", detail, "apt-get install qemu-utils")];
  }
}

/** What a QEMU version and the state of KVM mean; `kvmProblem` is null where KVM works. */
export function acceleratorFindings(
  version: string,
  kvmProblem: string | null,
): readonly Finding[] {
  if (kvmProblem === null) return [ok("kvm", `QEMU can use ${KVM_DEVICE}`)];
  const slow = warn(
    "kvm",
    `${kvmProblem}: guests run in software (TCG), many times slower`,
    "enable virtualisation in the firmware, and give the agent's user the group kvm",
  );
  const major = Number.parseInt(version, 10);
  if (major >= TCG_MIGRATION_MAJOR_MIN) return [slow];
  const detail = `QEMU ${version} without KVM corrupts memory in live migration: moves are refused`;
  return [slow, fail("migration", detail, "install QEMU 10 from backports, or enable KVM")];
}

async function findKvmProblem(qemuBinary: string): Promise<string | null> {
  try {
    accessSync(KVM_DEVICE, constants.R_OK | constants.W_OK);
  } catch (error) {
    return wordsOf(error);
  }
  return startWithKvm(qemuBinary);
}

/** The device may be there and yet run nothing, so QEMU makes a processor with it, and ends. */
async function startWithKvm(qemuBinary: string): Promise<string | null> {
  const machine = ["-accel", "kvm", "-cpu", "host", "-machine", "pc", "-m", "16", "-S"];
  const bare = ["-nodefaults", "-no-user-config", "-display", "none", "-qmp", "stdio"];
  try {
    const probe = run(qemuBinary, [...machine, ...bare], { timeout: PROBE_WAIT_MS });
    // A QEMU that dies first closes the pipe; its exit code tells that better.
    probe.child.stdin?.on("error", () => undefined);
    probe.child.stdin?.end('{"execute":"qmp_capabilities"}{"execute":"quit"}\n');
    await probe;
    return null;
  } catch (error) {
    return `QEMU cannot use ${KVM_DEVICE} (${wordsOf(error).trim().split("\n").at(-1)})`;
  }
}
