import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import type { Clock } from "#agent/ports/clock.ts";
import type { Log } from "#agent/ports/log.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { sleep } from "../sleep.ts";
import { isAlive, type ProcessIdentity, processStat } from "./process-identity.ts";
import { systemdRunArguments } from "./systemd-unit.ts";

const run = promisify(execFile);
const SYSTEMD_TIMEOUT_MS = 15_000;
/** A killed process may first have to write out what it holds; longer than this is a stuck disk. */
const DEATH_WAIT_MS = 15_000;
const DEATH_POLL_MS = 3;
const OUTPUT_LINES_SHOWN = 3;

export interface GuestLaunch {
  readonly vm: string;
  readonly binary: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly outputPath: string;
  /** Null to start it as a plain process. */
  readonly unit: string | null;
  readonly log: Log;
}

/**
 * Starts QEMU so that it outlives the agent: in a transient unit where systemd runs the machine,
 * else as a session of its own with its output in a file. Rejects with HYPERVISOR_MISSING.
 */
export async function launchGuest(launch: GuestLaunch): Promise<ProcessIdentity> {
  if (launch.unit !== null && (await startUnit(launch, launch.unit))) {
    return unitProcess(launch, launch.unit);
  }
  return launchDetached(launch);
}

/** False when systemd refused, so that nothing was started. Anything less clear rejects. */
async function startUnit(launch: GuestLaunch, unit: string): Promise<boolean> {
  const args = systemdRunArguments({
    unit,
    workingDirectory: launch.folder,
    outputPath: launch.outputPath,
    command: [launch.binary, ...launch.args],
  });
  try {
    await run("systemd-run", args, { timeout: SYSTEMD_TIMEOUT_MS });
    return true;
  } catch (cause) {
    const { code, stderr } = cause as { code?: unknown; stderr?: unknown };
    // Killed for taking too long, it may yet start the guest: a second one must not run beside it.
    if (typeof code !== "number" && code !== "ENOENT") {
      const words = `VM ${launch.vm}: systemd-run did not end: see systemctl status ${unit}`;
      throw new HypervisorError(words, { code: "TIMED_OUT", cause });
    }
    launch.log.write("warn", "systemd-run refused: the guest shares the agent's control group", {
      vm: launch.vm,
      unit,
      reason: String(stderr).trim(),
    });
    return false;
  }
}

async function unitProcess(launch: GuestLaunch, unit: string): Promise<ProcessIdentity> {
  const shown = await run("systemctl", ["show", "--property=MainPID", "--value", unit], {
    timeout: SYSTEMD_TIMEOUT_MS,
  });
  return identityOf(Number(shown.stdout.trim()), launch);
}

async function launchDetached(launch: GuestLaunch): Promise<ProcessIdentity> {
  const output = await open(launch.outputPath, "w", 0o600);
  try {
    const child = spawn(launch.binary, launch.args, {
      cwd: launch.folder,
      detached: true,
      stdio: ["ignore", output.fd, output.fd],
    });
    await once(child, "spawn");
    child.on("error", () => {});
    child.unref();
    return await identityOf(child.pid ?? 0, launch);
  } catch (cause) {
    if (cause instanceof HypervisorError) throw cause;
    const words = `VM ${launch.vm}: ${launch.binary} cannot be started: install QEMU or set its path`;
    throw new HypervisorError(words, { code: "HYPERVISOR_MISSING", cause });
  } finally {
    await output.close();
  }
}

async function identityOf(pid: number, launch: GuestLaunch): Promise<ProcessIdentity> {
  const stat = await processStat(pid);
  if (stat === undefined) throw await processEnded(launch.vm, launch.outputPath);
  return { pid, startTicks: stat.startTicks };
}

/** The error of a guest whose process ended by itself, with QEMU's last words. */
export async function processEnded(
  vm: string,
  outputPath: string,
  cause?: unknown,
): Promise<HypervisorError> {
  const output = await readFile(outputPath, "utf8").catch(() => "");
  const words = output.trim().split("\n").slice(-OUTPUT_LINES_SHOWN).join("; ");
  return new HypervisorError(`VM ${vm}: QEMU ended: ${words || "it said nothing"}`, {
    code: "VM_PROCESS",
    cause,
  });
}

/** SIGKILL, then waits until the process is dead. Resolves at once when it already is. */
export async function killGuest(identity: ProcessIdentity, clock: Clock): Promise<void> {
  await signalGuest(identity, "SIGKILL");
  if (await diesWithin(identity, DEATH_WAIT_MS, clock)) return;
  throw new HypervisorError(`QEMU process ${identity.pid} does not die: is its storage hanging?`, {
    code: "TIMED_OUT",
  });
}

/** Signals the process unless it is gone or its number belongs to another by now. */
export async function signalGuest(
  identity: ProcessIdentity,
  signal: "SIGKILL" | "SIGTERM",
): Promise<void> {
  if (!(await isAlive(identity))) return;
  try {
    process.kill(identity.pid, signal);
  } catch {
    // It ended between the look and the signal.
  }
}

/** True as soon as the process is dead; false when it still lives after `waitMs`. */
export async function diesWithin(
  identity: ProcessIdentity,
  waitMs: number,
  clock: Clock,
): Promise<boolean> {
  const endMs = clock.nowMs() + waitMs;
  while (await isAlive(identity)) {
    if (clock.nowMs() >= endMs) return false;
    await sleep(DEATH_POLL_MS, clock);
  }
  return true;
}
