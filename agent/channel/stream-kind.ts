import { once } from "node:events";
import type { Duplex } from "node:stream";

/** QEMU's migration stream begins with its magic number (migration/qemu-file-types.h). */
const QEMU_STREAM = Buffer.from("QEVM", "latin1");

/**
 * What the source's end writes before a disk's bytes: NBD's server speaks first, so that nothing of
 * its client would tell what the connection is for.
 */
export const DISK_MARK = Buffer.from("EKDK", "latin1");

/** Whether these first bytes of a connection are those of a guest's memory. */
export function isMemoryStream(first: Buffer): boolean {
  return first.subarray(0, QEMU_STREAM.length).equals(QEMU_STREAM);
}

/**
 * What a connection is for, by its first bytes, which it keeps; but for a disk's mark. Waits until they are there; rejects
 * when the other side ends before.
 */
export async function streamKind(socket: Duplex): Promise<"memory" | "control" | "disk"> {
  for (;;) {
    if (socket.readableEnded || socket.destroyed) throw new Error("it ended before it said a word");
    const chunk: Buffer | null = socket.read();
    if (chunk === null) {
      await Promise.race([once(socket, "readable"), once(socket, "close")]);
      continue;
    }
    const kind = kindOf(chunk);
    const rest = kind === "disk" ? chunk.subarray(DISK_MARK.length) : chunk;
    if (rest.length > 0) socket.unshift(rest);
    return kind;
  }
}

/** No hypervisor, and no end of ours, writes less than four bytes first. */
function kindOf(first: Buffer): "memory" | "control" | "disk" {
  if (first.subarray(0, DISK_MARK.length).equals(DISK_MARK)) return "disk";
  return isMemoryStream(first) ? "memory" : "control";
}
