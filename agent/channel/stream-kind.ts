import { once } from "node:events";
import type { Duplex } from "node:stream";

/** QEMU's migration stream begins with its magic number (migration/qemu-file-types.h). */
const QEMU_STREAM = Buffer.from("QEVM", "latin1");

/** Whether these first bytes of a connection are those of a guest's memory. */
export function isMemoryStream(first: Buffer): boolean {
  return first.subarray(0, QEMU_STREAM.length).equals(QEMU_STREAM);
}

/**
 * What a connection is for, by its first bytes, which it keeps. Waits until they are there; rejects
 * when the other side ends before.
 */
export async function streamKind(socket: Duplex): Promise<"memory" | "control"> {
  for (;;) {
    if (socket.readableEnded || socket.destroyed) throw new Error("it ended before it said a word");
    const chunk: Buffer | null = socket.read();
    if (chunk === null) {
      await Promise.race([once(socket, "readable"), once(socket, "close")]);
      continue;
    }
    socket.unshift(chunk);
    if (chunk.length >= QEMU_STREAM.length) return isMemoryStream(chunk) ? "memory" : "control";
    // No hypervisor writes less than four bytes first.
    return "control";
  }
}
