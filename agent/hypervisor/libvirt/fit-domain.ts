import type { CpuNeed, MoveNeeds } from "#lib/model/move-needs.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { deviceObstacle } from "./fit-devices.ts";
import { diskFit } from "./fit-disks.ts";
import { jobObstacle } from "./fit-jobs.ts";
import { moveNeeds } from "./fit-needs.ts";
import type { VirshSession } from "./virsh-session.ts";
import { readXml } from "./xml-node.ts";

/** What can be said of a domain's moves before anything is tried. */
export interface DomainFit {
  /** Why no host can take it as it is, in words with the remedy; null when some may. */
  readonly obstacle: string | null;
  /** What its target must have. */
  readonly needs: MoveNeeds;
  readonly machineType: string | undefined;
}

export interface FitAsking {
  readonly asking: VirshSession;
  /** Where an answer may be long in coming. */
  readonly jobs: VirshSession;
  readonly hostCpu: CpuNeed | null;
}

/** Looks at a domain with a process. Rejects with HypervisorError when libvirt does not answer. */
export async function readFit(parts: FitAsking, vm: string): Promise<DomainFit> {
  const domain = readXml(await parts.asking.ask(["dumpxml", vm]));
  const disks = diskFit(domain);
  const snapshot = (await parts.asking.ask(["snapshot-list", vm, "--name"])).trim().split("\n")[0];
  return {
    obstacle:
      disks.obstacle ??
      deviceObstacle(domain) ??
      snapshotObstacle(snapshot) ??
      (await jobObstacle(parts, vm, domain)),
    needs: moveNeeds(domain, disks, parts.hostCpu),
    machineType: domain.at("os", "type")?.attribute("machine"),
  };
}

/** libvirt moves no domain with snapshots: the target would not know them. */
function snapshotObstacle(name: string | undefined): string | null {
  if (!name) return null;
  return `it has snapshots (${name}), and libvirt moves none that has: virsh snapshot-delete`;
}

/** The spec with all that the domain writes to: an admin's domain has disks of its own. */
export function withDisks(spec: VmSpec, paths: readonly string[]): VmSpec {
  const known = new Set(spec.disks.map(({ path }) => path));
  const more = paths.filter((path) => !known.has(path));
  return {
    ...spec,
    disks: [...spec.disks, ...more.map((path) => ({ path, format: "raw" as const }))],
  };
}
