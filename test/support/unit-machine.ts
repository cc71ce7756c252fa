import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import type { MemberAnswer, VmAnswer } from "./agent-api.ts";
import { eventually } from "./eventually.ts";
import { labGuest } from "./lab-guest.ts";
import { serialCounts } from "./serial-counts.ts";
import { SystemdMachine } from "./systemd-machine.ts";

export const AGENT_UNIT = "evenkeel.service";
export const GUESTS_UNIT = "evenkeel-guests.service";
const LIB = "/usr/lib/evenkeel";
const IMAGES = "/var/lib/evenkeel-images";
const SERIAL = "/var/lib/evenkeel/serial";
const PROGRAMS = { agent: "agent/main.ts", cli: "agent/cli.ts", channel: "agent/channel/main.ts" };

/**
 * The unit's own times are for real life. Its sandbox shows the kernel's own boot id, which is that
 * of the machine beneath: it is given this machine's.
 */
const IMPATIENT = `[Service]
WatchdogSec=4
TimeoutAbortSec=1
BindReadOnlyPaths=/run/boot-id:/proc/sys/kernel/random/boot_id
`;

/** The agent's programs as the package has them; the folder is the caller's to remove. */
export async function bundlePrograms(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "ek-bundle-"));
  await build({
    entryPoints: PROGRAMS,
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
  return folder;
}

/** A machine with the agent in place, its units enabled, a key and a guest's files. */
export class UnitMachine extends SystemdMachine {
  constructor(programs: string, { name, key }: { name: string; key: string }) {
    super();
    this.copy(process.execPath, `${LIB}/node`);
    for (const program of Object.keys(PROGRAMS)) {
      this.copy(join(programs, `${program}.mjs`), `${LIB}/${program}.mjs`);
    }
    for (const unit of [AGENT_UNIT, GUESTS_UNIT]) {
      this.copy(`systemd/${unit}`, `/etc/systemd/system/${unit}`);
      this.link(`../${unit}`, `/etc/systemd/system/multi-user.target.wants/${unit}`);
    }
    this.copy("scripts/package/evenkeel", "/usr/bin/evenkeel");
    // The journal of a shutdown is read after the next boot.
    mkdirSync(join(this.root, "/var/log/journal"), { recursive: true });
    this.put(`/etc/systemd/system/${AGENT_UNIT}.d/impatient.conf`, IMPATIENT);
    this.put("/etc/evenkeel/cluster.key", key, 0o600);
    this.put("/etc/hostname", `${name}\n`);
    const { kernel, initrd } = labGuest();
    this.copy(kernel, `${IMAGES}/vmlinux`);
    this.copy(initrd, `${IMAGES}/initrd`);
  }

  /** A file of the machine, written before it boots. */
  put(path: string, text: string, mode = 0o644): void {
    const whole = join(this.root, path);
    mkdirSync(join(whole, ".."), { recursive: true });
    writeFileSync(whole, text, { mode });
  }

  /** A guest's file, under /root. */
  putGuest(vm: string, machine = "microvm", more = ""): void {
    const kernel = `kernel:
  path: ${IMAGES}/vmlinux
  initrd: ${IMAGES}/initrd
  cmdline: console=ttyS0 quiet panic=-1 no_timer_check tsc=reliable${more}
`;
    const text = `name: ${vm}\nvcpus: 1\nmemory: 96MiB\nmachine: ${machine}\n${kernel}`;
    this.put(`/root/${vm}.yaml`, text);
  }

  /** The command, as the package installs it. */
  evenkeel(...words: readonly string[]): string {
    return this.run(`${LIB}/node`, `${LIB}/cli.mjs`, ...words);
  }

  vms(): readonly VmAnswer[] {
    return (JSON.parse(this.evenkeel("vms", "--json")) as { vms: readonly VmAnswer[] }).vms;
  }

  members(): readonly MemberAnswer[] {
    const said = JSON.parse(this.evenkeel("members", "--json"));
    return (said as { members: readonly MemberAnswer[] }).members;
  }

  /** What a guest said on its serial line while it ran here. */
  serial(vm: string): string {
    return readFileSync(this.#serialPath(vm), "utf8");
  }

  /** What of it were counts. */
  counts(vm: string): Promise<readonly number[]> {
    return serialCounts(this.#serialPath(vm));
  }

  #serialPath(vm: string): string {
    return join(this.root, SERIAL, `${vm}.log`);
  }

  async untilActive(): Promise<void> {
    await eventually("the agent is ready", async () => {
      return this.property(AGENT_UNIT, "ActiveState") === "active";
    });
  }

  /** What a unit said, over all boots. */
  journal(unit: string): string {
    return this.run("journalctl", "--no-pager", "--unit", unit);
  }
}

export function removePrograms(folder: string | undefined): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}
