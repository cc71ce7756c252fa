import { type ChildProcess, spawn } from "node:child_process";
import { virshError } from "./virsh-error.ts";
import { type VirshParts, virshEnvironment } from "./virsh-session.ts";

const KEPT_LENGTH = 64_000;

export interface VirshRun {
  /** What it printed. Rejects with HypervisorError when it exits with anything but 0. */
  readonly ended: Promise<string>;
  readonly process: ChildProcess;
}

/** A virsh of its own for what takes long: migrations, saves and restores. Never through a shell. */
export function runVirsh({ virsh, uri }: VirshParts, words: readonly string[]): VirshRun {
  const child = spawn(virsh, ["-q", "-c", uri, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
    env: virshEnvironment,
  });
  let [out, err] = ["", ""];
  child.stdout?.on("data", (chunk: Buffer) => {
    out = `${out}${chunk}`.slice(-KEPT_LENGTH);
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    err = `${err}${chunk}`.slice(-KEPT_LENGTH);
  });
  const ended = new Promise<string>((resolve, reject) => {
    const doing = `virsh ${words[0]}`;
    child.once("error", (cause) => reject(virshError(doing, `failed to connect: ${cause}`, cause)));
    child.once("close", (code, signal) => {
      if (code === 0) resolve(out);
      else reject(virshError(doing, err.trim() || `virsh ended by ${signal ?? code}`));
    });
  });
  // The caller may look at what is left before it looks at this.
  ended.catch(() => undefined);
  return { ended, process: child };
}
