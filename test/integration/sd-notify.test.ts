import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { SdNotify } from "#agent/os/sd-notify.ts";
import { SystemClock } from "#agent/os/system-clock.ts";
import { MemoryLog } from "../support/memory-log.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Stands in for systemd: prints each datagram of the notify socket on a line. */
const LISTENER = `
import socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(receiver.recv(4096).decode().replace("\\n", " "), flush=True)
`;

const has = (command: string) => spawnSync(command, ["--version"]).status === 0;

async function startListener(
  socket: string,
): Promise<{ child: ChildProcess; heard: () => string }> {
  const child = spawn("python3", ["-c", LISTENER, socket], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let text = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    text += chunk;
  });
  if (child.stdout) await once(child.stdout, "data");
  return { child, heard: () => text };
}

describe.skipIf(!has("systemd-notify") || !has("python3"))("SdNotify with a real socket", () => {
  it("is heard: ready, watchdog and stopping", async () => {
    const socket = join(temporaryFolder(), "notify.sock");
    const { heard } = await startListener(socket);
    const log = new MemoryLog();
    const clock = new SystemClock();
    const notify = new SdNotify({ socket, watchdogUs: 30_000_000, clock, log });
    await notify.ready("three members");
    notify.alive();
    await notify.stopping();
    await expect.poll(heard, { timeout: 10_000 }).toContain("STOPPING=1");
    expect(heard()).toMatch(/READY=1 .*STATUS=three members/);
    expect(heard()).toContain("WATCHDOG=1");
    expect(log.messages).toEqual([]);
  });
});
