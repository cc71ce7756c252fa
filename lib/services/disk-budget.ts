/** What members may take of this host's disk, and what they take. */
export interface DiskBudget {
  /** All members' images and overlays together; null for no limit. */
  readonly limitBytes: number | null;
  /** Taken by the members that are here, of all services. */
  readonly usedBytes: number;
  /** Free on the file system that holds them. */
  readonly freeBytes: number;
}

/** The device state and the first blocks of an overlay, beside the memory of a suspended member. */
const besideMemoryBytes = 64 * 2 ** 20;

/** What a member of so much memory may take, suspended: an image has at most its whole memory. */
export function stagingBytes(memoryBytes: number): number {
  return memoryBytes + besideMemoryBytes;
}

/**
 * Why a member of so much memory is not staged here, in words with the figures; null when there is
 * room for it. Counts the whole memory: a full disk is found out only when a member that runs cannot
 * be suspended any more.
 */
export function diskRefusal(memoryBytes: number, budget: DiskBudget): string | null {
  const { limitBytes, usedBytes, freeBytes } = budget;
  const neededBytes = stagingBytes(memoryBytes);
  if (limitBytes !== null && usedBytes + neededBytes > limitBytes) {
    const used = `members take ${mib(usedBytes)} of ${mib(limitBytes)} MiB that they may have`;
    return `${used}, and this one may need ${mib(neededBytes)}`;
  }
  if (neededBytes <= freeBytes) return null;
  return `${mib(freeBytes)} MiB are free on the disk, and it may need ${mib(neededBytes)}`;
}

function mib(bytes: number): number {
  return Math.floor(bytes / 2 ** 20);
}
