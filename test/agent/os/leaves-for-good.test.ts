import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { leavesForGood, unitOf } from "#agent/os/leaves-for-good.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const IN_UNIT = "0::/system.slice/evenkeel.service\n";

/** Stands in for systemctl: prints these jobs, where it was asked for the right unit. */
function systemctl(jobs: string, exitCode = 0): string {
  const path = join(temporaryFolder(), "systemctl");
  const script = `#!/bin/sh\n[ "$4" = evenkeel.service ] || exit 9\ncat <<'JOBS'\n${jobs}\nJOBS\nexit ${exitCode}\n`;
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  return path;
}

describe("leavesForGood()", () => {
  it.each([
    ["a stop", "1234 evenkeel.service stop running", true],
    ["a restart", "1234 evenkeel.service restart running", false],
    ["no job at all: a signal by hand", "", false],
    ["a stop of another unit", "1234 my-evenkeel.service stop running", false],
  ])("judges %s", async (_, jobs, expected) => {
    const command = systemctl(jobs);
    expect(await leavesForGood({ cgroups: IN_UNIT, command })).toBe(expected);
  });

  it("is false where systemd cannot be asked", async () => {
    const job = "1234 evenkeel.service stop running";
    expect(await leavesForGood({ cgroups: IN_UNIT, command: "/none/systemctl" })).toBe(false);
    expect(await leavesForGood({ cgroups: IN_UNIT, command: systemctl(job, 1) })).toBe(false);
    expect(await leavesForGood({ cgroups: "0::/\n", command: systemctl(job) })).toBe(false);
  });
});

describe("unitOf()", () => {
  it("finds the service of a process", () => {
    expect(unitOf(`1:cpu:/\n${IN_UNIT}`)).toBe("evenkeel.service");
    expect(unitOf("0::/system.slice/x.service/inner\n")).toBeNull();
    expect(unitOf("")).toBeNull();
  });
});
