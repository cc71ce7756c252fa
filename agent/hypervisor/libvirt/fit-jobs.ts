import type { VirshSession } from "./virsh-session.ts";
import type { XmlNode } from "./xml-node.ts";

/** Asked of a domain that may be busy: an answer that does not come says nothing. */
const JOB_MS_MAX = 3000;

/** What libvirt is doing with the domain just now that a move would have to wait for, in words. */
export async function jobObstacle(
  { jobs }: { readonly jobs: VirshSession },
  vm: string,
  domain: XmlNode,
): Promise<string | null> {
  const ask = (...words: readonly string[]) => jobs.ask(words, JOB_MS_MAX).catch(() => "");
  const job = domainJobIn(await ask("domjobinfo", vm));
  if (job !== null) return `a job is under way on it (${job}): wait, or virsh domjobabort`;
  for (const disk of domain.all("devices", "disk")) {
    const device = disk.at("target")?.attribute("dev");
    if (device === undefined || disk.at("source") === undefined) continue;
    const blockJob = blockJobIn(await ask("blockjob", vm, device, "--info", "--raw"));
    if (blockJob === null) continue;
    return `a block job is under way on its disk ${device} (${blockJob}): wait, or virsh blockjob --abort`;
  }
  return null;
}

/** The operation in what `virsh domjobinfo` prints; null for none, and for a move of ours. */
export function domainJobIn(text: string): string | null {
  const kind = /^Job type:\s*(\S+)/m.exec(text)?.[1];
  if (kind !== "Unbounded" && kind !== "Bounded") return null;
  const operation = /^Operation:\s*(.+?)\s*$/m.exec(text)?.[1] ?? "unknown";
  return /migration/i.test(operation) ? null : operation;
}

/** The job's kind in what `virsh blockjob --info --raw` prints; null for none. */
export function blockJobIn(text: string): string | null {
  return /^\s*type=(.+?)\s*$/m.exec(text)?.[1] ?? null;
}
