import { spawnSync } from "node:child_process";

const ANSWER_MS_MAX = 5_000;

/** What systemd says of the whole machine: "running", "stopping" …; null where it does not answer. */
export function systemState(): string | null {
  const { stdout } = spawnSync("systemctl", ["is-system-running"], {
    encoding: "utf8",
    timeout: ANSWER_MS_MAX,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const word = stdout?.trim() ?? "";
  return word === "" ? null : word;
}
