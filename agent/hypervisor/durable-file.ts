import { open, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Replaces a file so that it holds either the old text or the new one, whatever happens: written
 * aside, flushed, renamed, and the folder flushed (rename(2), fsync(2)).
 */
export async function writeDurably(path: string, text: string): Promise<void> {
  const aside = `${path}.new`;
  const file = await open(aside, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(aside, path);
  await flush(dirname(path));
}

/** Replaces a file whole, without waiting for the disk: for what a reboot makes worthless anyway. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const aside = `${path}.new`;
  await writeFile(aside, text, { mode: 0o600 });
  await rename(aside, path);
}

/** Makes what was written to a file, or renamed within a folder, survive a power cut. */
export async function flush(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The JSON value in a file; undefined when there is no such file or it holds no JSON. */
export async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch {
    return undefined;
  }
}
