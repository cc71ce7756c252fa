import { accessSync, constants, existsSync, statfsSync, statSync } from "node:fs";
import { formatBytes } from "../units.ts";
import { type AgentUser, mayUse } from "./agent-user.ts";
import { type Check, type Finding, fail, ok, warn, wordsOf } from "./finding.ts";

/** tmpfs and hugetlbfs, as statfs(2) tells them. */
const MEMORY_FILE_SYSTEMS = [0x01021994, 0x958458f6];
const GIB = 2 ** 30;

/** Where guests' files, memory and networks come from: what is missing here cannot come here. */
export const checkStorage: Check = async ({ config, agentUser }) => {
  const { driver, storageRoots, copiedRoots, memoryDirectory, bridges } = config.hypervisor;
  if (driver === "sim") return [ok("storage", "not needed: guests are simulated")];
  return [
    ...storageRoots.map((path) => rootFinding(path, "storageRoots", agentUser)),
    ...copiedRoots.map((path) => rootFinding(path, "copiedRoots", agentUser)),
    ...(memoryDirectory === null ? [] : [memoryFinding(memoryDirectory)]),
    ...bridges.map((bridge) => bridgeFinding(bridge)),
    ...membersFinding(config.services),
  ];
};

function rootFinding(path: string, setting: string, user: AgentUser | null): Finding {
  const make = `mkdir ${path}, mount what belongs there, or take it out of hypervisor.${setting}`;
  if (!existsSync(path)) return warn("storage", `${path} is not there: no guest can use it`, make);
  try {
    if (!statSync(path).isDirectory()) return fail("storage", `${path} is not a directory`, make);
    // The proof of shared storage is a file that the agent writes beside a disk.
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    if (user !== null && !mayUse(user, path, "wx")) {
      const detail = `${user.name} may not write in ${path}: guests with disks there cannot be moved`;
      return warn("storage", detail, `chown ${user.name} ${path}, or run the agent as root`);
    }
    return ok("storage", `${path}, ${formatBytes(freeBytes(path))} free`);
  } catch (error) {
    return fail("storage", wordsOf(error), `run the doctor as root; mount ${path} writable`);
  }
}

function memoryFinding(path: string): Finding {
  if (!existsSync(path)) {
    const remedy = `mkdir ${path}, best on a tmpfs (/dev/shm), or unset hypervisor.memoryDirectory`;
    return fail("memory", `${path} is not there: no guest can start`, remedy);
  }
  if (MEMORY_FILE_SYSTEMS.includes(statfsSync(path).type)) return ok("memory", path);
  const remedy = "a folder in /dev/shm serves running guests without a disk";
  return warn("memory", `${path} is on a disk: guests' memory is written there`, remedy);
}

/** A bridge is an interface with a folder of that name (sysfs). */
export function bridgeFinding(bridge: string, interfaces = "/sys/class/net"): Finding {
  if (existsSync(`${interfaces}/${bridge}/bridge`)) return ok("bridge", bridge);
  const remedy = `ip link add ${bridge} type bridge, or take it out of hypervisor.bridges`;
  const detail = existsSync(`${interfaces}/${bridge}`) ? "is no bridge" : "is not there";
  return fail("bridge", `${bridge} ${detail}: guests that need it cannot run here`, remedy);
}

function membersFinding(services: {
  readonly overlayDirectory: string | null;
  readonly diskMaxGiB: number;
}): readonly Finding[] {
  const { overlayDirectory: path, diskMaxGiB } = services;
  if (path === null || diskMaxGiB === 0 || !existsSync(path)) return [];
  const free = freeBytes(path);
  if (free >= diskMaxGiB * GIB) return [];
  const detail = `${formatBytes(free)} free at ${path}, and members may take ${diskMaxGiB} GiB`;
  return [warn("storage", detail, "make room, or lower services.diskMaxGiB")];
}

function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}
