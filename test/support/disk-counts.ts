import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where scripts/lab/ticker.c writes its counts to. */
const BLOCK_BYTES = 4096;
const BEGIN_BLOCK = (64 << 20) / BLOCK_BYTES;
const BLOCKS = 1024;

/** The counts in a qcow2 image, in rising order; of one that is in use, what is flushed. */
export function diskCounts(image: string): readonly number[] {
  const folder = mkdtempSync(join(tmpdir(), "ek-disk-"));
  try {
    const out = join(folder, "log");
    const places = [`bs=${BLOCK_BYTES}`, `skip=${BEGIN_BLOCK}`, `count=${BEGIN_BLOCK + BLOCKS}`];
    const words = ["dd", "-U", "-f", "qcow2", "-O", "raw", `if=${image}`, `of=${out}`, ...places];
    execFileSync("qemu-img", words, { stdio: "pipe" });
    const text = readFileSync(out, "latin1");
    const counts = [...text.matchAll(/tick (\d+)\n/g)].map((match) => Number(match[1]));
    return counts.sort((a, b) => a - b);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * What is wrong with an image of a guest that said `said` last, in words; null for nothing: all that
 * it wrote is there, and none of it comes from another copy.
 */
export function diskFault(counts: readonly number[], said: number): string | null {
  const last = counts.at(-1) ?? -1;
  if (last < said) return `the disk ends at ${last}, and the guest had written ${said}`;
  const first = Math.max(0, last - BLOCKS + 1);
  const isWhole = counts.length === last - first + 1 && counts[0] === first;
  return isWhole ? null : `the disk has ${counts.length} counts from ${counts[0]} to ${last}`;
}
