import { closeSync, fsyncSync, openSync } from "node:fs";

/** Makes the names in a folder durable: a new file's own fsync does not (fsync(2)). */
export function syncFolder(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
