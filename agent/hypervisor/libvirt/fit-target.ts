/** What only the target can judge of a move, before anything is tried. */
import { access, readFile } from "node:fs/promises";
import type { HugepageNeed, MoveNeeds } from "#lib/model/move-needs.ts";
import { isThere } from "../is-there.ts";
import { cpuObjection } from "./fit-cpu.ts";
import type { LibvirtParts } from "./libvirt-parts.ts";

const NETWORKS = "/sys/class/net";
const HUGEPAGES = "/sys/kernel/mm/hugepages";

/** Why this host lacks what the VM needs, in words with the remedy; null when it has it all. */
export async function needsObjection(
  parts: Pick<LibvirtParts, "asking" | "settings" | "facts">,
  needs: MoveNeeds | undefined,
): Promise<string | null> {
  if (needs === undefined) return null;
  return (
    (await missingFile([...needs.files, ...needs.disks])) ??
    (await missingInterface(needs)) ??
    (await idleNetwork(parts, needs.networks)) ??
    (await hugepageObjection(needs.hugepages)) ??
    (await cpuObjection(parts, needs.cpu))
  );
}

async function missingFile(paths: readonly string[]): Promise<string | null> {
  for (const path of paths) {
    const code = await access(path).then(
      () => "",
      (error: NodeJS.ErrnoException) => error.code,
    );
    // Where the agent may not look, libvirt will.
    if (code !== "ENOENT" && code !== "ENOTDIR") continue;
    return `${path} is not here: share its folder, or copy it to the same place`;
  }
  return null;
}

async function missingInterface({ bridges, interfaces }: MoveNeeds): Promise<string | null> {
  const wanted = [
    ...bridges.map((name) => ({ name, kind: "bridge", path: `${NETWORKS}/${name}/bridge` })),
    ...interfaces.map((name) => ({ name, kind: "interface", path: `${NETWORKS}/${name}` })),
  ];
  for (const { name, kind, path } of wanted) {
    const remedy = kind === "bridge" ? `ip link add ${name} type bridge` : "name it alike here";
    if (!(await isThere(path))) return `this host has no ${kind} ${name}: ${remedy}`;
  }
  return null;
}

async function idleNetwork(
  { asking }: Pick<LibvirtParts, "asking">,
  networks: readonly string[],
): Promise<string | null> {
  if (networks.length === 0) return null;
  const namesOf = async (...words: readonly string[]) =>
    new Set((await asking.ask(["net-list", "--name", ...words])).split("\n").map((s) => s.trim()));
  const active = await namesOf();
  const missing = networks.find((name) => !active.has(name));
  if (missing === undefined) return null;
  const isDefined = (await namesOf("--all")).has(missing);
  return isDefined
    ? `libvirt's network ${missing} is not active here: virsh net-start ${missing}`
    : `libvirt has no network ${missing} here: virsh net-define it`;
}

async function hugepageObjection(needs: readonly HugepageNeed[]): Promise<string | null> {
  for (const { pageBytes, memoryBytes } of needs) {
    const sizeBytes = pageBytes || (await usualPageBytes());
    const path = `${HUGEPAGES}/hugepages-${sizeBytes / 1024}kB/free_hugepages`;
    const free = Number(await readFile(path, "latin1").catch(() => "0"));
    const wanted = sizeBytes === 0 ? 0 : Math.ceil(memoryBytes / sizeBytes);
    if (sizeBytes > 0 && free >= wanted) continue;
    const size = sizeBytes === 0 ? "" : ` of ${sizeBytes / 1024} KiB`;
    return `it needs ${wanted} huge pages${size}, and ${free} are free here: vm.nr_hugepages`;
  }
  return null;
}

async function usualPageBytes(): Promise<number> {
  const text = await readFile("/proc/meminfo", "latin1").catch(() => "");
  return Number(/^Hugepagesize:\s*(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
}
