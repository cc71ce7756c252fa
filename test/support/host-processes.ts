import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseProcessStat } from "#agent/hypervisor/qemu/process-identity.ts";

export interface GuestProcess {
  readonly vm: string;
  readonly pid: number;
  readonly role: string;
}

/** True while a process runs under this number; a zombie does not. */
export function runs(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== undefined && stat.state !== "Z" && stat.state !== "X";
}

/** The guests of one host by the qemu driver's own records, as far as their processes live. */
export function guestProcesses(stateDirectory: string): readonly GuestProcess[] {
  const folder = join(stateDirectory, "guests");
  return listed(folder).flatMap((vm) => {
    try {
      const record = JSON.parse(readFileSync(join(folder, vm, "guest.json"), "utf8"));
      const { pid, startTicks } = record.process;
      if (!runs(pid) || statOf(pid)?.startTicks !== startTicks) return [];
      return [{ vm, pid, role: String(record.role) }];
    } catch {
      // Being written, or just removed.
      return [];
    }
  });
}

/** The channel processes of an agent: its children that run a channel's entry. */
export function channelPids(agentPid: number): readonly number[] {
  return childPids(agentPid).filter((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, "latin1");
      return /channel(\.mjs|\/main\.ts)/.test(words);
    } catch {
      return false;
    }
  });
}

function childPids(pid: number): number[] {
  return listed(`/proc/${pid}/task`).flatMap((task) => {
    try {
      const text = readFileSync(`/proc/${pid}/task/${task}/children`, "latin1");
      return text.split(" ").filter(Boolean).map(Number);
    } catch {
      return [];
    }
  });
}

function statOf(pid: number) {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return undefined;
  }
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
