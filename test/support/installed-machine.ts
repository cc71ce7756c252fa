import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { eventually } from "./eventually.ts";
import { SystemdMachine } from "./systemd-machine.ts";

const CHECKOUT = resolve(import.meta.dirname, "../..");
/** Where a package may leave something; what dpkg, systemd and other programs keep there is left out. */
const LOOKED_AT = ["/etc", "/usr", "/var", "/opt", "/srv", "/run/evenkeel"];
const KEPT_BY_OTHERS =
  /^\/var\/(lib\/(dpkg|apt|PackageKit|postgresql|systemd\/(timers|catalog|random-seed))|log|cache|tmp|backups)\b/;
/**
 * What slows a machine under test down and has no part in it: the index of all manuals, made anew at
 * each change. And containers' images often forbid packages to start anything; this is no container.
 */
const REMOVED = ["var/lib/man-db/auto-update", "usr/sbin/policy-rc.d"];

/** Builds the package under another version, quickly packed; returns its path. */
export function buildPackage(folder: string, version: string): string {
  const args = [join(CHECKOUT, "scripts/deb.ts"), "--fast", "--version", version, "--out", folder];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`scripts/deb failed: ${stderr}`);
  process.stdout.write(stdout);
  return join(folder, `evenkeel_${version}_amd64.deb`);
}

/** A machine with a systemd of its own, on which packages are installed. */
export class InstalledMachine extends SystemdMachine {
  constructor() {
    super();
    for (const path of REMOVED) rmSync(join(this.root, path), { force: true });
  }

  /** A file of the machine, written before it boots. */
  put(path: string, text: string, mode = 0o644): void {
    const whole = join(this.root, path);
    mkdirSync(join(whole, ".."), { recursive: true });
    writeFileSync(whole, text, { mode });
  }

  /** What a shell in the machine prints, errors included. */
  sh(script: string): string {
    return this.run("sh", "-c", script);
  }

  /** The command, as the package installs it; `socket` for another agent than the usual one. */
  evenkeel(...words: readonly string[]): string {
    return this.run("/usr/bin/evenkeel", ...words);
  }

  async untilActive(unit: string): Promise<number> {
    return eventually(`${unit} is active`, async () => {
      return this.property(unit, "ActiveState") === "active";
    });
  }

  /** Every path that a package could have left something at, sorted; users and groups after them. */
  traces(): readonly string[] {
    const list = "/root/traces";
    // Through a file: there are more paths than a pipe's reader takes.
    this.sh(
      `{ find ${LOOKED_AT.join(" ")} -xdev; getent passwd; getent group; } >${list} 2>/dev/null`,
    );
    const lines = readFileSync(join(this.root, list), "utf8").split("\n");
    return lines.filter((line) => line !== list && !KEPT_BY_OTHERS.test(line)).sort();
  }
}
