import { spawnSync } from "node:child_process";

/** True when a program of that name can be started here. */
export function hasProgram(name: string): boolean {
  return spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0;
}
