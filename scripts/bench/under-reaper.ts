import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Set for the process that runs below the reaper. */
const MARK = "EVENKEEL_BENCH_REAPED";
const SOURCE = join(import.meta.dirname, "reaper.c");

/**
 * Runs this same command once more, where dead guests are collected at once as on a real host (see
 * reaper.c). Returns its exit code, or null in the process that is to do the work.
 */
export function underReaper(): number | null {
  if (process.env[MARK] !== undefined) return null;
  const folder = mkdtempSync(join(tmpdir(), "ek-reaper-"));
  try {
    const reaper = join(folder, "reaper");
    execFileSync("gcc", ["-O2", "-o", reaper, SOURCE], { stdio: ["ignore", "ignore", "inherit"] });
    const words = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
    const env = { ...process.env, [MARK]: "1" };
    return spawnSync(reaper, words, { stdio: "inherit", env }).status ?? 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
