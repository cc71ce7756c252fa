import { createHash } from "node:crypto";
import { type BigIntStats, createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";

const READ_BYTES = 256 * 1024;
/** Files whose digest is remembered; the oldest is forgotten first. */
const REMEMBERED_MAX = 512;

/**
 * SHA-256 of files, remembered for as long as a file looks the same: the services of a host share
 * few images, and each of them is read once. Remembers for this life of the agent only.
 */
export class FileDigests {
  readonly #known = new Map<string, string>();
  #readings: Promise<unknown> = Promise.resolve();

  /** 64 hex digits. Rejects with what the file system says, or when the file changes meanwhile. */
  async of(path: string, signal: AbortSignal): Promise<string> {
    // One after the other: two that want the same file read it once.
    const mine = this.#readings.then(() => this.#read(path, signal));
    this.#readings = mine.catch(() => undefined);
    return mine;
  }

  async #read(path: string, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const file = await open(path, "r");
    try {
      const key = lookOf(path, await file.stat({ bigint: true }));
      const known = this.#known.get(key);
      if (known !== undefined) return known;
      const digest = await digestOf(file, signal);
      if (lookOf(path, await file.stat({ bigint: true })) !== key) {
        throw new Error("it was changed while it was read");
      }
      this.#remember(key, digest);
      return digest;
    } finally {
      await file.close();
    }
  }

  #remember(key: string, digest: string): void {
    this.#known.set(key, digest);
    const [oldest] = this.#known.keys();
    if (this.#known.size > REMEMBERED_MAX && oldest !== undefined) this.#known.delete(oldest);
  }
}

/** The change time as well: a modification time can be set at will. */
function lookOf(path: string, { dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [path, dev, ino, size, mtimeNs, ctimeNs].join(" ");
}

async function digestOf(file: FileHandle, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  const bytes = createReadStream("", {
    fd: file,
    autoClose: false,
    start: 0,
    highWaterMark: READ_BYTES,
  });
  await pipeline(bytes, hash, { signal });
  return hash.digest("hex");
}
