import { chmodSync, chownSync, existsSync, lstatSync, type Stats, unlinkSync } from "node:fs";
import { connect, type Server } from "node:net";
import { dirname } from "node:path";
import { SocketError } from "./socket-error.ts";

/** What the kernel takes: sun_path has 108 bytes with the closing NUL (unix(7)). */
const PATH_BYTES_MAX = 107;

/** A live agent accepts at once; one that hangs this long still owns its socket. */
const CONNECT_WAIT_MS = 1_000;

/** New sockets are born for their owner alone; a wider mode follows. */
const UMASK_OWNER_ONLY = 0o177;

export interface SocketOptions {
  readonly path: string;
  /** Mode of the file, for example 0o600. */
  readonly mode: number;
  /** Group of the file; absent for the process's own. */
  readonly groupId?: number;
}

/**
 * Lets `server` listen on a UNIX socket. A socket file that nobody answers on is replaced; one of a
 * living agent is not. Rejects with SocketError.
 */
export async function listenOnSocket(server: Server, options: SocketOptions): Promise<void> {
  const { path, mode, groupId } = options;
  checkPath(path);
  await removeStale(path);
  await listen(server, path);
  try {
    if (groupId !== undefined) chownSync(path, -1, groupId);
    chmodSync(path, mode);
  } catch (error) {
    server.close();
    throw new SocketError(`cannot set mode and group of ${path}: ${wordsOf(error)}`, {
      cause: error,
    });
  }
}

function checkPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes > PATH_BYTES_MAX) {
    throw new SocketError(
      `socket path ${path} has ${bytes} bytes, the kernel takes ${PATH_BYTES_MAX}: choose a shorter one`,
    );
  }
  if (!existsSync(dirname(path))) {
    throw new SocketError(
      `directory ${dirname(path)} of the socket does not exist: create it, or start the agent by systemd, which does`,
    );
  }
}

async function removeStale(path: string): Promise<void> {
  const found = statOf(path);
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new SocketError(
      `${path} exists and is not a socket: move it away or choose another path`,
    );
  }
  if (await isAnswered(path)) {
    throw new SocketError(
      `${path} is in use by a running agent: stop that one, or give this one another --socket`,
    );
  }
  unlinkSync(path);
}

function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const decide = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(CONNECT_WAIT_MS, () => decide(true));
    socket.once("connect", () => decide(true));
    socket.once("error", (error: NodeJS.ErrnoException) =>
      decide(error.code !== "ECONNREFUSED" && error.code !== "ENOENT"),
    );
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) =>
      reject(new SocketError(`cannot listen on ${path}: ${wordsOf(error)}`, { cause: error }));
    server.once("error", fail);
    // Binding happens within listen(), so the file never has a wider mode than this.
    const umask = process.umask(UMASK_OWNER_ONLY);
    try {
      server.listen(path, () => {
        server.off("error", fail);
        resolve();
      });
    } finally {
      process.umask(umask);
    }
  });
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
