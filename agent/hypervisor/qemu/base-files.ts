import { type FileHandle, open, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { VmSpec } from "#lib/model/vm-spec.ts";

/** "QFI\xfb", as every qcow2 file begins (docs/interop/qcow2.txt). */
const QCOW2_MAGIC = 0x514649fb;
/** Magic, version, backing_file_offset (8 bytes), backing_file_size. */
const HEADER_BYTES = 20;
/** Longest name of a backing file, by the same document. */
const NAME_BYTES_MAX = 1023;
/** An overlay of ours has one file under it; an admin's image may stand on a few more. */
const DEPTH_MAX = 8;

/**
 * What a file that a guest only reads looked like when the guest was suspended.
 *
 * Its look and not its digest: reading gigabytes at each resume would take longer than the boot that
 * the resume is to save. Whoever writes to a file changes its change time, which cannot be set back;
 * a file touched for nothing costs a restaging, where its digest is read.
 */
export interface BaseMark {
  readonly path: string;
  /** Inode, size, and times of modification and change, ns; as one text since these exceed doubles. */
  readonly look: string;
}

/** Marks everything that a guest stands on and does not write: kernel, initrd, backing files. */
export async function markBases({ kernel, disks }: VmSpec): Promise<readonly BaseMark[]> {
  const boot = [kernel?.path, kernel?.initrd].filter((path) => typeof path === "string");
  const overlays = disks.filter(({ format }) => format === "qcow2");
  const backing = await Promise.all(overlays.map(({ path }) => backingFiles(path)));
  const paths = [...new Set([...boot, ...backing.flat()])];
  return Promise.all(paths.map(async (path) => ({ path, look: await lookOf(path) })));
}

/** The first of these files that is not what it was, or is gone; undefined when all are. */
export async function changedBase(marks: readonly BaseMark[]): Promise<string | undefined> {
  for (const { path, look } of marks) {
    if ((await lookOf(path).catch(() => "gone")) !== look) return path;
  }
  return undefined;
}

/** Not the device's number: it may be another one after each reboot. */
async function lookOf(path: string): Promise<string> {
  const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return [ino, size, mtimeNs, ctimeNs].join(" ");
}

/** The files under a qcow2 image, the nearest first. */
async function backingFiles(image: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (let path = await backingFile(image); path !== undefined; path = await backingFile(path)) {
    if (found.includes(path) || found.length >= DEPTH_MAX) break;
    found.push(path);
  }
  return found;
}

/** The file right under a qcow2 image; undefined for none, and for what is no file (`nbd://…`). */
async function backingFile(image: string): Promise<string | undefined> {
  const file = await open(image, "r");
  try {
    const header = await readAt(file, 0, HEADER_BYTES);
    if (header.length < HEADER_BYTES || header.readUInt32BE(0) !== QCOW2_MAGIC) return undefined;
    const nameBytes = header.readUInt32BE(16);
    if (nameBytes === 0 || nameBytes > NAME_BYTES_MAX) return undefined;
    const name = await readAt(file, Number(header.readBigUInt64BE(8)), nameBytes);
    const text = name.toString("utf8").replace(/^file:/, "");
    return /^[a-z+]+:/.test(text) ? undefined : resolve(dirname(image), text);
  } finally {
    await file.close();
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
