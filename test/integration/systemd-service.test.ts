import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatClusterKey, generateClusterKey } from "#agent/store/cluster-key.ts";
import type { VmAnswer } from "../support/agent-api.ts";
import { eventually } from "../support/eventually.ts";
import { labGuest } from "../support/lab-guest.ts";
import { SystemdMachine, systemdMachineObjection } from "../support/systemd-machine.ts";

const UNIT = "evenkeel.service";
const GUESTS_UNIT = "evenkeel-guests.service";
const GUEST_UNIT = "evenkeel-guest-web-1.service";
const LIB = "/usr/lib/evenkeel";
const IMAGES = "/var/lib/evenkeel-images";

/**
 * The unit's own times are for real life. Its sandbox shows the kernel's own boot id, which is that
 * of the machine beneath: it is given this machine's.
 */
const IMPATIENT = `[Service]
WatchdogSec=4
TimeoutAbortSec=1
BindReadOnlyPaths=/run/boot-id:/proc/sys/kernel/random/boot_id
`;

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
    for (const unit of [UNIT, GUESTS_UNIT]) {
      machine.copy(`systemd/${unit}`, `/etc/systemd/system/${unit}`);
      machine.link(`../${unit}`, `/etc/systemd/system/multi-user.target.wants/${unit}`);
    }
    machine.copy("scripts/package/evenkeel", "/usr/bin/evenkeel");
    // The journal of a shutdown is read after the next boot.
    mkdirSync(join(machine.root, "/var/log/journal"), { recursive: true });
    put(`/etc/systemd/system/${UNIT}.d/impatient.conf`, IMPATIENT);
    put("/etc/evenkeel/cluster.key", formatClusterKey(generateClusterKey()), 0o600);
    const { kernel, initrd } = labGuest();
    machine.copy(kernel, `${IMAGES}/vmlinux`);
    machine.copy(initrd, `${IMAGES}/initrd`);
    put("/root/web-1.yaml", GUEST);
    put("/root/web-2.yaml", GUEST.replace("web-1", "web-2"));
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

  it("ends guests by their policies as the machine shuts down, and runs them after its boot", async () => {
    const settled = (states: Readonly<Record<string, string>>) =>
      eventually(`guests are ${JSON.stringify(states)}`, async () => {
        const { vms } = JSON.parse(evenkeel("vms", "--json")) as { vms: readonly VmAnswer[] };
        return vms.length === 2 && vms.every(({ name, state }) => states[name] === state);
      });
    evenkeel("vm", "define", "/root/web-2.yaml");
    evenkeel("vm", "start", "web-2");
    evenkeel("vm", "set", "web-1", "shutdown=suspend");
    evenkeel("vm", "set", "web-2", "shutdown=leave", "priority=90");
    await settled({ "web-1": "running", "web-2": "running" });
    // By hand, while the machine goes on: no guest is touched.
    machine.run("systemctl", "restart", GUESTS_UNIT);
    await settled({ "web-1": "running", "web-2": "running" });

    await machine.powerOff();
    await machine.boot();
    await untilActive();
    await settled({ "web-1": "running", "web-2": "running" });
    const said = (unit: string) => machine.run("journalctl", "--no-pager", "--unit", unit);
    const ending = said(GUESTS_UNIT);
    expect(ending).toContain("the machine does not shut down");
    expect(ending).toContain("web-1 is suspended");
    expect(ending).toContain("web-2 is left to end by itself");
    const boot = said(UNIT);
    const [cold, warm] = ["web-2: start after", "web-1: resume after"].map((words) =>
      boot.indexOf(words),
    );
    expect(cold, boot).toBeGreaterThan(0);
    expect(warm, boot).toBeGreaterThan(cold ?? 0);
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
