import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { daemonExitCodes } from "#agent/os/exit-codes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Exposure as systemd-analyze judges it, 0 (none) to 10; what is left open is explained there. */
const EXPOSURE_MAX = 4;

const UNIT = "systemd/evenkeel.service";
const unit = readFileSync(UNIT, "utf8");
const setting = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(unit)?.[1];

function run(command: string, args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  return { status, stdout: stdout ?? "", stderr: stderr ?? "" };
}

const has = (command: string) => run(command, ["--version"]).status === 0;

/** The unit as it is, with programs that exist on every machine: verify looks for them. */
function verifiableUnit(text: string): string {
  const path = join(temporaryFolder(), "evenkeel.service");
  writeFileSync(path, text.replace(/^ExecStart=\S+/m, "ExecStart=/bin/true"));
  return path;
}

describe.skipIf(!has("systemd-analyze"))("evenkeel.service for systemd", () => {
  it("is understood to the last key", () => {
    const { stderr, status } = run("systemd-analyze", ["verify", "--man=no", verifiableUnit(unit)]);
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });

  it.each(["evenkeel-key.path", "evenkeel-key.service"])(
    "has a helper, %s, understood too",
    (name) => {
      // verify follows a path to its service, and wants its programs to be there.
      const folder = temporaryFolder();
      for (const one of ["evenkeel-key.path", "evenkeel-key.service"]) {
        writeFileSync(join(folder, one), readFileSync(join("systemd", one)));
      }
      const { stderr, status } = run("systemd-analyze", ["verify", "--man=no", join(folder, name)]);
      expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    },
  );

  it("has a unit for the machine's shutdown, understood too", () => {
    const text = readFileSync("systemd/evenkeel-guests.service", "utf8");
    const path = join(temporaryFolder(), "evenkeel-guests.service");
    writeFileSync(path, text.replace(/^ExecStop=\S+/m, "ExecStop=/bin/true"));
    const { stderr, status } = run("systemd-analyze", ["verify", "--man=no", path]);
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  });

  it("would not pass with a key that systemd does not know", () => {
    const broken = unit.replace("[Service]", "[Service]\nNoSuchKey=1");
    const { stderr } = run("systemd-analyze", ["verify", "--man=no", verifiableUnit(broken)]);
    expect(stderr).toContain("NoSuchKey");
  });

  it("is exposed no more than its exceptions need", () => {
    const { stdout } = run("systemd-analyze", ["security", "--offline=true", UNIT]);
    const exposure = /Overall exposure level for evenkeel.service: ([0-9.]+)/.exec(stdout)?.[1];
    console.log(`evenkeel.service: exposure ${exposure} of 10`);
    expect(Number(exposure)).toBeLessThanOrEqual(EXPOSURE_MAX);
  });

  it("is understood and exposed less with the drop-in for an own user", () => {
    const root = temporaryFolder();
    const units = join(root, "etc/systemd/system");
    mkdirSync(join(units, "evenkeel.service.d"), { recursive: true });
    writeFileSync(join(units, "evenkeel.service"), unit);
    const dropIn = readFileSync("systemd/own-user.conf", "utf8");
    writeFileSync(join(units, "evenkeel.service.d/own-user.conf"), dropIn);
    const judge = ["security", "--offline=true", `--root=${root}`, "evenkeel.service"];
    const { stdout } = run("systemd-analyze", judge);
    const exposure = Number(/Overall exposure level for \S+: ([0-9.]+)/.exec(stdout)?.[1]);
    const alone = run("systemd-analyze", ["security", "--offline=true", UNIT]).stdout;
    console.log(`evenkeel.service as its own user: exposure ${exposure} of 10`);
    expect(exposure).toBeLessThan(Number(/exposure level for \S+: ([0-9.]+)/.exec(alone)?.[1]));
    const settings = dropIn.replace(/^(#.*|\[Service\])\n/gm, "").replace(/^User=.*\n/m, "");
    const whole = unit.replace("[Service]\n", `[Service]\n${settings.replace(/^Group=.*\n/m, "")}`);
    const { stderr } = run("systemd-analyze", ["verify", "--man=no", verifiableUnit(whole)]);
    expect(stderr).toBe("");
  });
});

describe("evenkeel.service", () => {
  it("does not restart what only an admin can mend", () => {
    expect(setting("Restart")).toBe("on-failure");
    expect(setting("RestartPreventExitStatus")).toBe(String(daemonExitCodes.configuration));
  });

  it("lets guests and their control sockets outlive the agent", () => {
    expect(setting("KillMode")).toBe("process");
    expect(setting("RuntimeDirectoryPreserve")).toBe("yes");
  });

  it("lets systemd-notify speak for the agent", () => {
    expect(setting("Type")).toBe("notify");
    expect(setting("NotifyAccess")).toBe("all");
    expect(Number(setting("WatchdogSec"))).toBe(30);
  });

  it("keeps the state to itself, where the agent looks for it by default", () => {
    expect(setting("StateDirectory")).toBe("evenkeel");
    expect(setting("StateDirectoryMode")).toBe("0700");
    expect(setting("RuntimeDirectory")).toBe("evenkeel");
  });
});

describe.skipIf(!has("systemd-sysusers"))("evenkeel.sysusers", () => {
  it("makes the user, whose group is that of the readers, and nothing else", () => {
    const root = temporaryFolder();
    mkdirSync(join(root, "etc"));
    const args = [`--root=${root}`, "--dry-run", join(process.cwd(), "systemd/evenkeel.sysusers")];
    const { stdout, stderr, status } = run("systemd-sysusers", args);
    expect(`${stdout}${stderr}`).toMatch(/group 'evenkeel'/);
    expect(`${stdout}${stderr}`.match(/(?:group|user) '[^']+'/gi)).toEqual(
      expect.arrayContaining(["group 'evenkeel'", "user 'evenkeel'"]),
    );
    expect(`${stdout}${stderr}`).not.toMatch(/'(?!evenkeel')[a-z-]+'/);
    expect(status).toBe(0);
  });
});

const canMakeFiles = has("systemd-tmpfiles") && process.getuid?.() === 0;

describe.skipIf(!canMakeFiles)("evenkeel.tmpfiles", () => {
  it("closes the key and the state, and lets QEMU pass to its images", () => {
    const root = temporaryFolder();
    mkdirSync(join(root, "etc/evenkeel"), { recursive: true });
    writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
    writeFileSync(join(root, "etc/group"), "root:x:0:\n");
    writeFileSync(join(root, "etc/evenkeel/cluster.key"), "", { mode: 0o644 });
    const file = join(process.cwd(), "systemd/evenkeel.tmpfiles");
    const { stderr } = run("systemd-tmpfiles", [`--root=${root}`, "--create", file]);
    expect(stderr).toBe("");
    const mode = (path: string) => (statSync(join(root, path)).mode & 0o777).toString(8);
    expect({
      config: mode("etc/evenkeel"),
      key: mode("etc/evenkeel/cluster.key"),
      state: mode("var/lib/evenkeel"),
      images: mode("var/lib/evenkeel-images"),
    }).toEqual({ config: "700", key: "600", state: "700", images: "711" });
  });
});
