import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { eventually } from "./eventually.ts";
import type { MemberRig } from "./member-rig.ts";

const FIXTURE = resolve(import.meta.dirname, "../fixtures/qemu-guest.ts");

/**
 * As if the plug were pulled so many ms after a suspend of the running member began: the agent
 * that suspends it and its QEMU get SIGKILL. Afterwards another life of the agent has begun.
 */
export async function strikeSuspend(rig: MemberRig, afterMs: number): Promise<void> {
  const { qemu, spec } = rig;
  const pid = await qemu.pidOf("source", spec.name);
  await qemu.source.stop();
  const folder = qemu.stateDirectory("source");
  const storageRoots = [qemu.folder, dirname(qemu.guest.kernel)];
  const args = [FIXTURE, folder, "suspend", JSON.stringify({ spec, storageRoots })];
  const agent = spawn(process.execPath, args, { stdio: "ignore" });
  const ended = once(agent, "exit");
  const record = join(folder, "guests", spec.name, "guest.json");
  try {
    const begun = async () => readFileSync(record, "utf8").includes('"role":"suspending"');
    await eventually("the suspend begins", begun, { pollMs: 1 });
    if (afterMs > 0) await new Promise((wake) => setTimeout(wake, afterMs));
  } finally {
    agent.kill("SIGKILL");
    killIfThere(pid);
    await ended;
  }
  await rig.restartAgent();
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
