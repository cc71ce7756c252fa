import { createReadStream } from "node:fs";
import { open, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";

/** A file that fills from a UNIX socket. */
export interface StateReceiver {
  /** Bytes received and flushed to the disk; rejects with what the disk said. */
  readonly received: Promise<number>;
  /** Stops waiting: an unfinished stream breaks. */
  close(): void;
}

/**
 * Listens on `socketPath` for one stream and writes it to `filePath`. The agent writes, not QEMU:
 * then a full disk breaks the stream, QEMU lets the guest run on, and any QEMU version will do.
 */
export async function receiveState(socketPath: string, filePath: string): Promise<StateReceiver> {
  await rm(socketPath, { force: true });
  const file = await open(filePath, "w", 0o600);
  const server = createServer();
  let near: Socket | undefined;
  const received = new Promise<number>((resolve, reject) => {
    server.once("error", reject);
    server.once("close", () => {
      if (near === undefined) reject(new Error("nobody sent the state"));
    });
    server.once("connection", (socket) => {
      near = socket;
      pipeline(socket, file.createWriteStream({ flush: true })).then(
        () => resolve(socket.bytesRead),
        reject,
      );
      server.close();
    });
  });
  // The caller may fail before it looks at this.
  received.catch(() => {});
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    received,
    close() {
      near?.destroy();
      server.close();
      if (near === undefined) void file.close().catch(() => {});
    },
  };
}

/**
 * Streams a file into a UNIX socket that listens; returns how to stop. Whether the state arrived is
 * what QEMU says: it closes as soon as it has read what it needs, and ends when there is too little.
 */
export function sendState(filePath: string, socketPath: string): () => void {
  const socket = connect(socketPath);
  pipeline(createReadStream(filePath), socket).catch(() => {});
  return () => socket.destroy();
}
