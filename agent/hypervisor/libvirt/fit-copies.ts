import type { DiskCopyNeed } from "#lib/model/move-needs.ts";
import type { CopyCandidate } from "./fit-disks.ts";
import type { VirshSession } from "./virsh-session.ts";

/** The images that go along, with their sizes as libvirt has them. */
export async function diskCopies(
  asking: VirshSession,
  vm: string,
  candidates: readonly CopyCandidate[],
): Promise<readonly DiskCopyNeed[]> {
  const copies: DiskCopyNeed[] = [];
  for (const { path, format, device } of candidates) {
    const text = await asking.ask(["domblkinfo", vm, device]);
    copies.push({ path, format, ...blockSizes(text) });
  }
  return copies;
}

/** What `virsh domblkinfo` prints. */
export function blockSizes(text: string): { sizeBytes: number; usedBytes: number } {
  const figure = (name: string) =>
    Number(new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(text)?.[1] ?? 0);
  return { sizeBytes: figure("Capacity"), usedBytes: figure("Allocation") };
}

export interface DisksOnTheWay {
  /** It writes to files that both ends were shown to share. */
  readonly isShared: boolean;
  /** Devices whose images are copied along. */
  readonly copied: readonly string[];
}

/** What virsh must be told of the disks. `socket`: where the channel takes those that are copied. */
export function diskWords({ isShared, copied }: DisksOnTheWay, socket: string): readonly string[] {
  return [
    // It shows by nonce, not by the kind of file system, that both ends see the same files.
    ...(isShared ? ["--unsafe"] : []),
    ...(copied.length > 0
      ? [
          "--copy-storage-all",
          "--migrate-disks",
          copied.join(","),
          "--disks-uri",
          `unix://${socket}`,
        ]
      : []),
  ];
}
