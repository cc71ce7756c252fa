import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";

/** systemd answers in some 10 ms; a stop does not wait longer than this for the word. */
const ANSWER_MS_MAX = 2000;

export interface StopContext {
  /** /proc/self/cgroup: tells the unit that this process belongs to. */
  readonly cgroups: string;
  /** Program that lists systemd's jobs. */
  readonly command: string;
}

/**
 * Is nothing to come after this stop? Then the others are told that this host left, instead of being
 * asked to wait for it. Only systemd knows: `systemctl stop`, and a shutdown of the host, are a job
 * `stop` of the agent's unit, `systemctl restart` is a job `restart`. Never rejects; in doubt false.
 */
export async function leavesForGood(context: Partial<StopContext> = {}): Promise<boolean> {
  const { cgroups = ownCgroups(), command = "systemctl" } = context;
  const unit = unitOf(cgroups);
  if (unit === null) return false;
  const jobs = await jobsOf(unit, command);
  return jobs.some(([, name, type]) => name === unit && type === "stop");
}

/** The service in the last line of its kind: `0::/system.slice/evenkeel.service`. */
export function unitOf(cgroups: string): string | null {
  return /^0::.*\/([^/\n]+\.service)$/m.exec(cgroups)?.[1] ?? null;
}

function ownCgroups(): string {
  try {
    return readFileSync("/proc/self/cgroup", "utf8");
  } catch {
    return "";
  }
}

/** Lines of `systemctl list-jobs` as words: number, unit, type, state. */
function jobsOf(unit: string, command: string): Promise<readonly (readonly string[])[]> {
  const args = ["list-jobs", "--no-legend", "--plain", unit];
  return new Promise((resolve) => {
    execFile(command, args, { timeout: ANSWER_MS_MAX, killSignal: "SIGKILL" }, (error, stdout) => {
      resolve(error ? [] : stdout.split("\n").map((line) => line.trim().split(/\s+/)));
    });
  });
}
