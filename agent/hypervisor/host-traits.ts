/** What of a host its peers compare with their own, read without asking a hypervisor. */
import { createHash } from "node:crypto";
import { readFile, realpath } from "node:fs/promises";

/** File systems that several hosts mount at once. */
const SHARED_KINDS = /^(nfs4?|ceph|fuse\.(glusterfs|ceph-fuse|sshfs)|cifs|smb3|gfs2|ocfs2|lustre)$/;
const SHARED_MAX = 16;
const TEXT_LENGTH_MAX = 96;

export interface HostTraits {
  /** Name of the processor and a digest of its features: equal for equal processors. */
  readonly processor?: string;
  /** What is mounted at the storage roots and can be mounted elsewhere, too. */
  readonly sharedStorage?: readonly string[];
}

export async function hostTraits(storageRoots: readonly string[]): Promise<HostTraits> {
  const read = (path: string) => readFile(path, "utf8").catch(() => "");
  const processor = processorOf(await read("/proc/cpuinfo"));
  const mounts = await read("/proc/self/mountinfo");
  const roots = await Promise.all(storageRoots.map((root) => realpath(root).catch(() => root)));
  const sharedStorage = sharedAt(roots, mounts);
  return {
    ...(processor !== undefined && { processor }),
    ...(sharedStorage.length > 0 && { sharedStorage }),
  };
}

/** "AMD EPYC 7763 #3f2a90", of the text of /proc/cpuinfo; undefined where it does not say. */
export function processorOf(cpuinfo: string): string | undefined {
  const name = /^model name\s*: (.+)$/m.exec(cpuinfo)?.[1]?.trim();
  const flags = /^flags\s*: (.+)$/m.exec(cpuinfo)?.[1];
  if (name === undefined || flags === undefined) return undefined;
  const sorted = flags.trim().split(/\s+/).sort().join(" ");
  const digest = createHash("sha256").update(sorted).digest("hex").slice(0, 6);
  return `${name.slice(0, TEXT_LENGTH_MAX - 8)} #${digest}`;
}

/** "nfs4 nas:/images" for each root on such a file system, of the text of mountinfo (proc(5)). */
export function sharedAt(roots: readonly string[], mountinfo: string): readonly string[] {
  const mounts = mountinfo.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const [point, [kind, source]] = [before.split(" ")[4], after.split(" ")];
    return point && kind && source ? [{ point, kind, source }] : [];
  });
  const shared = roots.flatMap((root) => {
    const holding = mounts
      .filter(({ point }) => root === point || root.startsWith(point === "/" ? "/" : `${point}/`))
      .reduce<(typeof mounts)[number] | undefined>(
        (best, one) => (best && best.point.length > one.point.length ? best : one),
        undefined,
      );
    if (!holding || !SHARED_KINDS.test(holding.kind)) return [];
    return [`${holding.kind} ${holding.source}`.slice(0, TEXT_LENGTH_MAX)];
  });
  return [...new Set(shared)].slice(0, SHARED_MAX);
}
