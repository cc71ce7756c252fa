import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";

const GUARD = join(import.meta.dirname, "fleet-guard.sh");

/**
 * A process that removes all that stands under `folder` (processes, guests, mounts, and namespaces
 * that begin with `prefix`) when its stdin ends: when we close it, or die in whatever way.
 */
export function startGuard(folder: string, prefix: string): ChildProcess {
  const guard = spawn("bash", [GUARD], {
    stdio: ["pipe", "ignore", "inherit"],
    detached: true,
    env: { PATH: process.env["PATH"] ?? "", FLEET_FOLDER: folder, FLEET_PREFIX: prefix },
  });
  // It waits for our end; it must not keep us from it.
  guard.unref();
  return guard;
}
