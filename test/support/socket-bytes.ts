import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";

const BLOCK_BYTES = 1 << 20;

/** All that comes until the other side has ended. */
export async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Writes `total` bytes with back-pressure; resolves with their digest. */
export async function pour(socket: Socket, total: number): Promise<string> {
  const block = randomBytes(BLOCK_BYTES);
  const hash = createHash("sha256");
  for (let sent = 0; sent < total; sent += block.length) {
    hash.update(block);
    if (!socket.write(block)) await once(socket, "drain");
  }
  socket.end();
  return hash.digest("hex");
}

/** Digest of all that comes until the other side has ended. */
export async function digest(socket: Socket): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of socket) hash.update(chunk);
  return hash.digest("hex");
}
