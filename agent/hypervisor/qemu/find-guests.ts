import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { isVmName, type VmName } from "#lib/model/ids.ts";
import { isDead, type ProcessIdentity, processStat } from "./process-identity.ts";

/** VMs that have a folder here, in name order. */
export async function guestFolders(stateDirectory: string): Promise<readonly VmName[]> {
  const names = await readdir(join(stateDirectory, "guests")).catch(() => []);
  return names.filter(isVmName).sort();
}

/**
 * The QEMU that listens on this monitor socket, found by its command line: for one that an agent
 * started but did not live to write down. Undefined when there is none.
 */
export async function findByMonitor(monitorPath: string): Promise<ProcessIdentity | undefined> {
  const wanted = `path=${monitorPath.replaceAll(",", ",,")},`;
  for (const entry of await readdir("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    // systemd-run carries the same arguments for a moment, as does nobody else.
    const parts = command.split("\0");
    if (!parts.some((part) => part.includes(wanted)) || parts[0]?.endsWith("systemd-run")) continue;
    const stat = await processStat(pid);
    if (stat !== undefined && !isDead(stat)) return { pid, startTicks: stat.startTicks };
  }
  return undefined;
}
