import { existsSync, readFileSync, statSync } from "node:fs";
import type { Config } from "../../config/config.ts";
import { type AgentUser, mayUse } from "./agent-user.ts";
import { type Check, type Finding, fail, ok, warn } from "./finding.ts";

const OWN_USER = "/usr/share/evenkeel/own-user.conf";
/** libvirt lets its QEMU's group enter it. */
const LIBVIRT_FOLDER = "/var/lib/libvirt/qemu";
const KVM = "/dev/kvm";
const RESTART = "then systemctl restart evenkeel";

/** Whom does the agent run as, and does that suit its driver? */
export const checkUser: Check = async ({ config, agentUser }) => {
  if (agentUser === null) return [];
  return userFindings(config.hypervisor, agentUser);
};

export function userFindings(
  { driver }: Pick<Config["hypervisor"], "driver">,
  user: AgentUser,
  places: { readonly folder: string; readonly kvm: string } = { folder: LIBVIRT_FOLDER, kvm: KVM },
): readonly Finding[] {
  const runs = `the agent runs as ${user.name}`;
  if (user.uid === 0) {
    const needs = driver === "libvirt" ? `; libvirt asks for less: ${OWN_USER}` : "";
    return [ok("user", `${runs}${needs}`)];
  }
  if (driver === "sim") return [ok("user", runs)];
  if (driver !== "libvirt") return [withoutRoot(runs, user)];
  const problems = [...folderFindings(user, places.folder), ...kvmFindings(user, places.kvm)];
  return problems.length > 0 ? problems : [ok("user", `${runs}, which libvirt lets in`)];
}

/** By hand, for a trial, it can do some of it; in the unit it starts no guest. */
function withoutRoot(runs: string, { isUnit }: AgentUser): Finding {
  const detail = `${runs}, and the driver qemu starts units and bridges' tap devices as root`;
  const remedy = `take ${OWN_USER} out of evenkeel.service.d, or set hypervisor.driver: libvirt`;
  return isUnit ? fail("user", detail, remedy) : warn("user", detail, remedy);
}

function folderFindings(user: AgentUser, folder: string): readonly Finding[] {
  if (!existsSync(folder) || mayUse(user, folder, "x")) return [];
  const group = groupName(statSync(folder).gid);
  const detail = `${user.name} may not enter ${folder}: guests cannot be moved`;
  return [fail("user", detail, `usermod -aG ${group} ${user.name}, ${RESTART}`)];
}

function kvmFindings(user: AgentUser, kvm: string): readonly Finding[] {
  if (!existsSync(kvm) || mayUse(user, kvm, "rw")) return [];
  const group = groupName(statSync(kvm).gid);
  const detail = `${user.name} may not open ${kvm}: guests are made without KVM, many times slower`;
  return [warn("user", detail, `usermod -aG ${group} ${user.name}, ${RESTART}`)];
}

function groupName(gid: number): string {
  const lines = readFileSync("/etc/group", "utf8").split("\n");
  const fields = lines.map((line) => line.split(":")).find(([, , id]) => id === `${gid}`);
  return fields?.[0] ?? `${gid}`;
}
