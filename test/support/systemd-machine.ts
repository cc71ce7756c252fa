import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { eventually } from "./eventually.ts";

/** Where this kernel shows cgroup v2, which systemd needs a corner of. */
const CGROUP_ROOTS = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
const COMMAND_MS_MAX = 60_000;
/**
 * Units of this machine that have no business in the other one. Timers are among them: at midnight
 * Debian's leave files behind, which a test that looks for traces would find.
 */
const MASKED = [
  ...["libvirtd", "haproxy", "systemd-networkd", "systemd-networkd-wait-online"].map(
    (service) => `${service}.service`,
  ),
  "timers.target",
];

/**
 * Runs inside the new namespaces: gives systemd what it mounts itself on a real machine. Mounts are
 * shared, as there: else a service would not see the credentials that systemd reads for it.
 */
const BOOT_SCRIPT = `
set -e
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs dev -o mode=755
for name in null zero full random urandom tty; do touch dev/$name; mount --bind /dev/$name dev/$name; done
mkdir -p dev/net dev/pts dev/shm old
mknod dev/net/tun c 10 200
mount -t devpts devpts dev/pts -o newinstance,ptmxmode=666
ln -s pts/ptmx dev/ptmx
mount -t cgroup2 cgroup2 sys/fs/cgroup
cat proc/sys/kernel/random/uuid > run/boot-id
mount --bind run/boot-id proc/sys/kernel/random/boot_id
ip link set lo up
pivot_root . old
umount --lazy old
mount --make-rshared /
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system \\
  --log-level=warning --show-status=no --unit=multi-user.target
`;

/** Why no systemd can be booted here; null when one can. */
export function systemdMachineObjection(): string | null {
  if (process.getuid?.() !== 0) return "needs root";
  if (!existsSync("/lib/systemd/systemd")) return "needs systemd";
  if (cgroupRoot() === undefined) return "needs cgroup v2";
  return null;
}

function cgroupRoot(): string | undefined {
  return CGROUP_ROOTS.find((path) => existsSync(join(path, "cgroup.procs")));
}

/**
 * A machine of its own with systemd as process 1: namespaces over a copy-on-write view of this
 * machine's files. Nothing that happens in it reaches this one.
 */
export class SystemdMachine {
  static #made = 0;
  readonly #folder = mkdtempSync(join(tmpdir(), "ek-systemd-"));
  readonly #cgroup: string;
  #process: ChildProcess | undefined;
  #initPid = 0;

  constructor() {
    SystemdMachine.#made += 1;
    const cgroup = `evenkeel-test-${process.pid}-${SystemdMachine.#made}`;
    this.#cgroup = join(cgroupRoot() ?? "", cgroup);
    const layers = join(this.#folder, "layers");
    mkdirSync(layers);
    mkdirSync(this.root);
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", layers]);
    for (const name of ["upper", "work"]) mkdirSync(join(layers, name));
    const parts = `lowerdir=/,upperdir=${layers}/upper,workdir=${layers}/work`;
    execFileSync("mount", ["-t", "overlay", "overlay", "-o", parts, this.root]);
    for (const unit of MASKED) this.link("/dev/null", `/etc/systemd/system/${unit}`);
  }

  /** The machine's root folder as seen from outside. */
  get root(): string {
    return join(this.#folder, "root");
  }

  /** Copies a file in before the boot. */
  copy(from: string, to: string): void {
    mkdirSync(dirname(join(this.root, to)), { recursive: true });
    cpSync(from, join(this.root, to), { dereference: true, recursive: true });
  }

  link(target: string, path: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    execFileSync("ln", ["-sfn", target, join(this.root, path)]);
  }

  async boot(): Promise<void> {
    mkdirSync(this.#cgroup);
    const namespaces = "--pid --fork --kill-child --mount --uts --ipc --net --cgroup".split(" ");
    const enter = `echo $$ > ${this.#cgroup}/cgroup.procs; exec unshare "$@"`;
    const boot = ["--propagation", "private", "sh", "-c", BOOT_SCRIPT];
    this.#process = spawn("sh", ["-c", enter, "sh", ...namespaces, ...boot], {
      cwd: this.root,
      stdio: "ignore",
    });
    await eventually("systemd is process 1", async () => {
      const children = `/proc/${this.#process?.pid}/task/${this.#process?.pid}/children`;
      this.#initPid = Number(execFileSync("cat", [children], { encoding: "utf8" }).trim());
      return this.#initPid > 0 && this.run("systemctl", "is-active", "basic.target") === "active";
    });
  }

  /** A cable to another machine that runs, with an address at each end; it goes with either. */
  plug(address: string, other: SystemdMachine, otherAddress: string): void {
    const [here, there] = [String(this.#initPid), String(other.#initPid)];
    const peer = ["type", "veth", "peer", "name", "eth0", "netns", there];
    execFileSync("ip", ["link", "add", "eth0", "netns", here, ...peer]);
    for (const [machine, own] of [
      [this, address],
      [other, otherAddress],
    ] as const) {
      machine.run("ip", "address", "add", own, "dev", "eth0");
      machine.run("ip", "link", "set", "eth0", "up");
      machine.run("ip", "route", "add", "224.0.0.0/4", "dev", "eth0");
    }
  }

  /** The machine's own shutdown, to its end; what is written stays for the next boot. */
  async powerOff(): Promise<void> {
    this.run("systemctl", "--no-block", "poweroff");
    const limit = { limitMs: 120_000 };
    // Its process 1 ends by the signal that stands for a power-off.
    const isOff = async () => {
      const { exitCode = null, signalCode = null } = this.#process ?? {};
      return exitCode !== null || signalCode !== null;
    };
    await eventually("the machine is off", isOff, limit);
    this.#process = undefined;
    this.#initPid = 0;
    await this.#removeCgroup();
  }

  /** What a command prints in the machine, errors included. */
  run(...command: readonly string[]): string {
    const target = ["-t", String(this.#initPid), "--all", "--"];
    const { stdout, stderr } = spawnSync("nsenter", [...target, ...command], {
      encoding: "utf8",
      timeout: COMMAND_MS_MAX,
    });
    return `${stdout}${stderr}`.trim();
  }

  /** One property of a unit, as `systemctl show` prints it. */
  property(unit: string, name: string): string {
    return this.run("systemctl", "show", unit, `--property=${name}`, "--value");
  }

  async close(): Promise<void> {
    // Process 1 of the namespace takes all others of it along.
    if (this.#initPid > 0) process.kill(this.#initPid, "SIGKILL");
    this.#process?.kill("SIGKILL");
    await this.#removeCgroup().catch(() => undefined);
    for (const path of [this.root, join(this.#folder, "layers")]) {
      spawnSync("umount", ["--lazy", path]);
      rmdirSync(path);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #removeCgroup(): Promise<void> {
    await eventually("the machine is gone", async () => {
      spawnSync("sh", ["-c", `find ${this.#cgroup} -depth -type d -exec rmdir {} + 2>/dev/null`]);
      return !existsSync(this.#cgroup);
    });
  }
}
