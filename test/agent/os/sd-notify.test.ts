import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { SdNotify } from "#agent/os/sd-notify.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { MemoryLog } from "../../support/memory-log.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const WATCHDOG_US = 30_000_000;

/** A stand-in for systemd-notify that writes down what it was given. */
function makeNotify(
  options: { watchdogUs?: number; script?: string; socket?: string | undefined } = {},
) {
  const folder = temporaryFolder();
  const calls = join(folder, "calls");
  const command = join(folder, "systemd-notify");
  writeFileSync(
    command,
    `#!/bin/sh\n${options.script ?? `echo "$NOTIFY_SOCKET $*" >> ${calls}`}\n`,
  );
  chmodSync(command, 0o755);
  const clock = new ManualClock();
  const log = new MemoryLog();
  const notify = new SdNotify({
    socket: "socket" in options ? options.socket : "/run/notify",
    watchdogUs: options.watchdogUs,
    clock,
    log,
    command,
  });
  const sent = () => (existsSync(calls) ? readFileSync(calls, "utf8").trimEnd().split("\n") : []);
  return { clock, log, notify, sent };
}

afterEach(() => {
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) delete process.env[name];
});

describe("SdNotify", () => {
  it("says ready with a status, and stopping", async () => {
    const { notify, sent } = makeNotify();
    await notify.ready("three\nmembers");
    await notify.stopping();
    expect(sent()).toEqual(["/run/notify READY=1 STATUS=three members", "/run/notify STOPPING=1"]);
  });

  it("joins what comes while a child runs into the next", async () => {
    const { notify, sent } = makeNotify();
    await Promise.all([notify.ready("a"), notify.status("b"), notify.status("c")]);
    expect(sent()).toEqual(["/run/notify READY=1 STATUS=a", "/run/notify STATUS=b STATUS=c"]);
  });

  it("feeds the watchdog at half its time, and only when the loop turns", async () => {
    const { clock, notify, sent } = makeNotify({ watchdogUs: WATCHDOG_US });
    expect(notify.aliveIntervalMs).toBe(15_000);
    notify.alive();
    for (let seconds = 0; seconds < 14; seconds += 1) {
      clock.advance(1000);
      notify.alive();
    }
    clock.advance(1000);
    notify.alive();
    clock.advance(60_000);
    await notify.stopping();
    expect(
      sent()
        .join(" ")
        .match(/WATCHDOG=1/g),
    ).toHaveLength(2);
  });

  it("sends nothing without systemd", async () => {
    const { notify, sent } = makeNotify({ socket: undefined, watchdogUs: WATCHDOG_US });
    await notify.ready("a");
    notify.alive();
    await notify.stopping();
    expect(sent()).toEqual([]);
  });

  it("has no watchdog to feed when the unit has none", async () => {
    const { notify, sent } = makeNotify();
    notify.alive();
    await notify.stopping();
    expect(notify.aliveIntervalMs).toBeUndefined();
    expect(sent()).toEqual(["/run/notify STOPPING=1"]);
  });

  it("goes on when the program fails, and says so once", async () => {
    const { notify, log } = makeNotify({ script: "exit 3" });
    await notify.ready("a");
    await notify.status("b");
    expect(log.messages).toEqual([expect.stringMatching(/systemd is not told how the agent is$/)]);
  });
});

describe("SdNotify.fromEnvironment()", () => {
  const parts = { clock: new ManualClock(), log: new MemoryLog() };

  it("takes systemd's variables away from the children", () => {
    process.env["NOTIFY_SOCKET"] = "/run/notify";
    process.env["WATCHDOG_USEC"] = String(WATCHDOG_US);
    process.env["WATCHDOG_PID"] = String(process.pid);
    expect(SdNotify.fromEnvironment(parts).aliveIntervalMs).toBe(15_000);
    expect(process.env["NOTIFY_SOCKET"]).toBeUndefined();
    expect(process.env["WATCHDOG_USEC"]).toBeUndefined();
  });

  it("leaves a watchdog alone that is meant for another process", () => {
    process.env["WATCHDOG_USEC"] = String(WATCHDOG_US);
    process.env["WATCHDOG_PID"] = "1";
    expect(SdNotify.fromEnvironment(parts).aliveIntervalMs).toBeUndefined();
  });
});
