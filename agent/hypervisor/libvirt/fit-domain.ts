import { dirname } from "node:path";
import type { CpuNeed, MoveNeeds } from "#lib/model/move-needs.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { folderObjection } from "../folder-objection.ts";
import { type DisksOnTheWay, diskCopies } from "./fit-copies.ts";
import { deviceObstacle } from "./fit-devices.ts";
import { type DiskFit, diskFit } from "./fit-disks.ts";
import { jobObstacle } from "./fit-jobs.ts";
import { moveNeeds } from "./fit-needs.ts";
import { seenPath } from "./libvirt-options.ts";
import type { VirshSession } from "./virsh-session.ts";
import { readXml } from "./xml-node.ts";

/** What can be said of a domain's moves before anything is tried. */
export interface DomainFit {
  /** Why no host can take it as it is, in words with the remedy; null when some may. */
  readonly obstacle: string | null;
  /** What its target must have. */
  readonly needs: MoveNeeds;
  readonly machineType: string | undefined;
  readonly onTheWay: DisksOnTheWay;
}

export interface FitAsking {
  readonly asking: VirshSession;
  /** Where an answer may be long in coming. */
  readonly jobs: VirshSession;
  readonly hostCpu: CpuNeed | null;
  /** Folders on local disks whose images are copied along. */
  readonly copiedRoots: readonly string[];
  readonly hostRoot: string;
}

/** Looks at a domain with a process. Rejects with HypervisorError when libvirt does not answer. */
export async function readFit(parts: FitAsking, vm: string): Promise<DomainFit> {
  const domain = readXml(await parts.asking.ask(["dumpxml", vm]));
  const disks = diskFit(domain, parts.copiedRoots);
  const copies = await diskCopies(parts.asking, vm, disks.copies);
  const snapshot = (await parts.asking.ask(["snapshot-list", vm, "--name"])).trim().split("\n")[0];
  return {
    obstacle:
      disks.obstacle ??
      deviceObstacle(domain) ??
      snapshotObstacle(snapshot) ??
      (await jobObstacle(parts, vm, domain)) ??
      (await folderObstacle(parts, disks)),
    needs: moveNeeds(domain, disks, { hostCpu: parts.hostCpu, copies }),
    onTheWay: {
      isShared: disks.disks.length > 0,
      copied: disks.copies.map(({ device }) => device),
    },
    machineType: domain.at("os", "type")?.attribute("machine"),
  };
}

/** Beside a shared disk the agent writes a proof; an image that was copied away it removes. */
async function folderObstacle(
  parts: Pick<FitAsking, "hostRoot">,
  { disks, copies }: Pick<DiskFit, "disks" | "copies">,
): Promise<string | null> {
  const copied = copies.map(({ path }) => seenPath(parts, path));
  for (const folder of new Set([...disks, ...copied].map((path) => dirname(path)))) {
    const objection = await folderObjection(folder);
    if (objection !== null) return `its disk cannot be shown or cleared away: ${objection}`;
  }
  return null;
}

/** libvirt moves no domain with snapshots: the target would not know them. */
function snapshotObstacle(name: string | undefined): string | null {
  if (!name) return null;
  return `it has snapshots (${name}), and libvirt moves none that has: virsh snapshot-delete`;
}

/**
 * The spec with all that is to be shown shared: an admin's domain has disks of its own, and what is
 * copied along is shared with nobody.
 */
export function withDisks(spec: VmSpec, needs: MoveNeeds | undefined): VmSpec {
  const known = new Set(spec.disks.map(({ path }) => path));
  const copied = new Set(needs?.copies.map(({ path }) => path));
  const more = (needs?.disks ?? []).filter((path) => !known.has(path));
  const own = spec.disks.filter(({ path }) => !copied.has(path));
  return {
    ...spec,
    disks: [...own, ...more.map((path) => ({ path, format: "raw" as const }))],
  };
}
