import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatClusterKey, generateClusterKey } from "#agent/store/cluster-key.ts";
import { eventually } from "../support/eventually.ts";
import { labGuest } from "../support/lab-guest.ts";
import { SystemdMachine, systemdMachineObjection } from "../support/systemd-machine.ts";

const UNIT = "evenkeel.service";
const GUEST_UNIT = "evenkeel-guest-web-1.service";
const LIB = "/usr/lib/evenkeel";
const IMAGES = "/var/lib/evenkeel-images";

/** The unit's own times are for real life. */
const IMPATIENT = "[Service]\nWatchdogSec=4\nTimeoutAbortSec=1\n";

const GUEST = `
name: web-1
vcpus: 1
memory: 96MiB
machine: microvm
kernel:
  path: ${IMAGES}/vmlinux
  initrd: ${IMAGES}/initrd
  cmdline: console=ttyS0 quiet panic=-1 no_timer_check tsc=reliable
`;

let machine: SystemdMachine;
let folder: string;

async function bundle(): Promise<void> {
  await build({
    entryPoints: {
      agent: "agent/main.ts",
      cli: "agent/cli.ts",
      channel: "agent/channel/main.ts",
    },
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    external: ["msgpackr-extract"],
    banner: {
      js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
    },
    logLevel: "error",
  });
}

/** A file of the machine, written before it boots. */
function put(path: string, text: string, mode = 0o644): void {
  const whole = join(machine.root, path);
  mkdirSync(join(whole, ".."), { recursive: true });
  writeFileSync(whole, text, { mode });
}

function evenkeel(...args: string[]): string {
  return machine.run(`${LIB}/node`, `${LIB}/cli.mjs`, ...args);
}

async function untilActive(): Promise<void> {
  await eventually("the agent is ready", async () => {
    return machine.property(UNIT, "ActiveState") === "active";
  });
}

const objection = systemdMachineObjection();

describe.skipIf(objection !== null)("evenkeel.service under a real systemd", () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "ek-bundle-"));
    await bundle();
    machine = new SystemdMachine();
    machine.copy(process.execPath, `${LIB}/node`);
    for (const name of ["agent", "cli", "channel"]) {
      machine.copy(join(folder, `${name}.mjs`), `${LIB}/${name}.mjs`);
    }
    machine.copy(`systemd/${UNIT}`, `/etc/systemd/system/${UNIT}`);
    machine.link(`../${UNIT}`, `/etc/systemd/system/multi-user.target.wants/${UNIT}`);
    put(`/etc/systemd/system/${UNIT}.d/impatient.conf`, IMPATIENT);
    put("/etc/evenkeel/cluster.key", formatClusterKey(generateClusterKey()), 0o600);
    const { kernel, initrd } = labGuest();
    machine.copy(kernel, `${IMAGES}/vmlinux`);
    machine.copy(initrd, `${IMAGES}/initrd`);
    put("/root/web-1.yaml", GUEST);
    put("/etc/hostname", "evenkeel-test\n");
    await machine.boot();
    await untilActive();
  });

  afterAll(async () => {
    await machine?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("is ready once it answers, and says so in its status", () => {
    expect(machine.property(UNIT, "StatusText")).toContain("evenkeel-test");
    expect(JSON.parse(evenkeel("members", "--json")).members).toHaveLength(1);
    expect(machine.run("stat", "-c", "%a", "/var/lib/evenkeel")).toBe("700");
  });

  it("runs a guest in a unit of its own, which outlives every end of the agent", async () => {
    const said = [evenkeel("vm", "define", "/root/web-1.yaml"), evenkeel("vm", "start", "web-1")];
    await eventually(`the guest's unit runs (${said.join("; ")})`, async () => {
      return machine.property(GUEST_UNIT, "ActiveState") === "active";
    });
    const guestPid = machine.property(GUEST_UNIT, "MainPID");

    machine.run("systemctl", "restart", UNIT);
    await untilActive();
    expect(machine.property(GUEST_UNIT, "MainPID")).toBe(guestPid);

    machine.run("kill", "-KILL", machine.property(UNIT, "MainPID"));
    await eventually("it was restarted", async () => machine.property(UNIT, "NRestarts") === "1");
    await untilActive();
    expect(machine.property(GUEST_UNIT, "MainPID")).toBe(guestPid);
    await eventually("the agent has its guest again", async () => {
      const { vms } = JSON.parse(evenkeel("vms", "--json"));
      return vms[0]?.name === "web-1" && vms[0].state === "running";
    });
  });

  it("is restarted when its loop hangs", async () => {
    const restarts = Number(machine.property(UNIT, "NRestarts"));
    machine.run("kill", "-STOP", machine.property(UNIT, "MainPID"));
    await eventually("the watchdog bit", async () => {
      return Number(machine.property(UNIT, "NRestarts")) === restarts + 1;
    });
    await untilActive();
  });

  it("stays down, with its reason in the log, when the key is open to others", async () => {
    machine.run("chmod", "644", "/etc/evenkeel/cluster.key");
    machine.run("systemctl", "restart", UNIT);
    await eventually("it gave up", async () => {
      return machine.property(UNIT, "ActiveState") === "failed";
    });
    expect(machine.property(UNIT, "ExecMainStatus")).toBe("78");
    expect(machine.run("journalctl", "--unit", UNIT, "--no-pager", "-n", "20")).toContain(
      "chmod 600 /etc/evenkeel/cluster.key",
    );
  });
});
