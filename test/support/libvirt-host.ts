import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  chownSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { consolePath } from "#agent/hypervisor/libvirt/domain-xml.ts";
import { eventually } from "./eventually.ts";
import { runs } from "./host-processes.ts";

/** Of the packages libvirt-daemon and libvirt-clients. */
const VIRSH = "/usr/bin/virsh";
const LIBVIRTD = "/usr/sbin/libvirtd";
const START_MS_MAX = 60_000;
/** What libvirtd finds out about the installed QEMU in its first ten seconds; it checks that it still holds. */
const CAPABILITIES = "/var/cache/libvirt/qemu/capabilities";
/** By who runs QEMU: libvirt looks anew where that one may use KVM and another might not. */
const cacheOf = ({ users }: LibvirtHostOptions): string =>
  join(tmpdir(), `evenkeel-libvirt-capabilities${users ? "-own-users" : ""}`);
/** Where guests' consoles are written; Debian's package makes it. */
const LOGS = "/var/log/libvirt/qemu";
/** What libvirt writes to, each host's own. */
const PRIVATE = [
  "/run",
  "/etc/libvirt",
  "/var/lib/libvirt",
  "/var/cache/libvirt",
  "/var/log/libvirt",
];

/** Where users and groups have their names, and what a line of each says of a number. */
const NAMES = {
  "/etc/passwd": (id: number) => `test${id}:x:${id}:${id}::/:/bin/false\n`,
  "/etc/group": (id: number) => `test${id}:x:${id}:\n`,
};

/** Open to libvirtd's trial and not to its guests, libvirt would look at QEMU anew each time. */
const CLOSED = ["/dev/kvm"].filter((path) => existsSync(path));

export interface LibvirtUsers {
  /** Who asks the daemon: virsh wants it to have a name. */
  readonly agent: number;
  /** User and group of libvirt's QEMU. */
  readonly qemu: number;
  /** Group that may use the daemon. */
  readonly daemonGroup: number;
}

export interface LibvirtHostOptions {
  /** Folder of this host, not yet there; its path is in the command line of all its processes. */
  readonly folder: string;
  readonly name: string;
  /** Loopback port on which libvirtd lets anybody in, for raw virsh; absent: it listens nowhere. */
  readonly tcpPort?: number;
  /** Whom the host asks for names, its own too, which then has no dot; absent: it asks nobody. */
  readonly nameServer?: string;
  /** Numbers of users that are not root, as on any host; absent: all is root's. */
  readonly users?: LibvirtUsers;
  /** Makes the command that runs on this host: in its network namespace, or as it is. */
  readonly commandOn?: (command: readonly string[]) => { file: string; args: readonly string[] };
}

/** Null where real libvirtds can be run, else what is missing. */
export function libvirtMissing(): string | null {
  if (process.getuid?.() !== 0) return "real libvirtds need root";
  if (!existsSync(LIBVIRTD)) return "libvirt-daemon is not installed";
  if (!existsSync(VIRSH)) return "libvirt-clients is not installed";
  return null;
}

/**
 * A real libvirtd as on a host of its own: private folders for all that it writes, an own host name
 * and uuid. No systemd, dbus, virtlogd or network is needed. Its guests outlive it, as on any host.
 */
export class LibvirtHost {
  readonly folder: string;
  readonly name: string;
  readonly #options: LibvirtHostOptions;
  #process: ChildProcess | null = null;

  constructor(options: LibvirtHostOptions) {
    this.#options = options;
    this.folder = options.folder;
    this.name = options.name;
    for (const path of [...PRIVATE, LOGS]) mkdirSync(this.seen(path), { recursive: true });
    this.#configure();
    const cache = cacheOf(options);
    if (existsSync(cache)) cpSync(cache, this.seen(CAPABILITIES), { recursive: true });
  }

  /** A path of this host as it is reached from outside. */
  seen(path: string): string {
    return join(this.folder, path);
  }

  /** True when the host itself has the path, though it be mounted in there alone. */
  has(path: string): boolean {
    return existsSync(`/proc/${this.pid}/root${path}`);
  }

  get uri(): string {
    return `qemu+unix:///system?socket=${this.seen("/run/libvirt/libvirt-sock")}`;
  }

  /** Pid of libvirtd; with it, the host's namespaces are entered. */
  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error(`libvirtd of ${this.name} does not run`);
    return pid;
  }

  /** Words before a command that is to see this host's files and name. */
  get enter(): readonly string[] {
    return ["nsenter", `--mount=/proc/${this.pid}/ns/mnt`, `--uts=/proc/${this.pid}/ns/uts`, "--"];
  }

  get running(): boolean {
    return this.#process !== null;
  }

  /** Starts libvirtd and waits until it answers. */
  async start(): Promise<void> {
    const { users } = this.#options;
    const script = [
      ...this.#naming(),
      ...[...PRIVATE, ...(users ? [...Object.keys(NAMES), ...CLOSED] : [])].map(
        (path) => `mount --bind ${this.seen(path)} ${path}`,
      ),
      `exec ${LIBVIRTD} ${this.#options.tcpPort ? "--listen " : ""}--config ${this.seen("/etc/libvirt/libvirtd.conf")}`,
    ].join(" && ");
    const unshare = ["unshare", "--mount", "--uts", "--propagation", "private"];
    const command = [...unshare, "bash", "-c", script];
    const on = this.#options.commandOn ?? (([file = "", ...args]) => ({ file, args }));
    const { file, args } = on(command);
    const out = openSync(this.seen("libvirtd.out"), "a");
    const child = spawn(file, args, { stdio: ["ignore", out, out], detached: true });
    closeSync(out);
    this.#process = child;
    child.once("exit", () => {
      if (this.#process === child) this.#process = null;
    });
    const answers = async () => {
      if (!this.running) throw new Error(readFileSync(this.seen("libvirtd.out"), "utf8"));
      this.virsh("version");
      return true;
    };
    await eventually(`libvirtd of ${this.name} answers`, answers, { limitMs: START_MS_MAX });
    if (users) chownSync(this.seen("/run/libvirt/libvirt-sock"), 0, users.daemonGroup);
    this.#keepCapabilities();
  }

  /** What virsh prints, asked from outside the host. Throws with what it says on stderr. */
  virsh(...words: readonly string[]): string {
    return execFileSync(VIRSH, ["-q", "-c", this.uri, ...words], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 20_000,
    });
  }

  /** Kill -9 of libvirtd alone; resolves when it is dead. */
  async killDaemon(): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  /** Pid of a guest's QEMU; undefined when there is none. */
  guestPid(vm: string): number | undefined {
    try {
      const pid = Number(readFileSync(this.seen(`/run/libvirt/qemu/${vm}.pid`), "utf8"));
      return runs(pid) ? pid : undefined;
    } catch {
      return undefined;
    }
  }

  serialPath(vm: string): string {
    return this.seen(consolePath(vm));
  }

  /** Kill -9 of a guest; false when this host has none of that name. */
  killGuest(vm: string): boolean {
    const pid = this.guestPid(vm);
    if (pid !== undefined) process.kill(pid, "SIGKILL");
    return pid !== undefined;
  }

  /** Kills everything of this host and removes its folder. */
  async close(): Promise<void> {
    const folder = this.seen("/run/libvirt/qemu");
    const pids = existsSync(folder) ? readdirSync(folder) : [];
    await this.killDaemon();
    for (const file of pids) if (file.endsWith(".pid")) this.killGuest(file.slice(0, -4));
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** With a dot libvirt takes the name as it is, and asks no name server. */
  #naming(): readonly string[] {
    const { nameServer } = this.#options;
    if (nameServer === undefined) return [`hostname ${this.name}.test`];
    const file = this.seen("resolv.conf");
    writeFileSync(file, `nameserver ${nameServer}\noptions timeout:1\n`);
    return [`hostname ${this.name}`, `mount --bind ${file} /etc/resolv.conf`];
  }

  #keepCapabilities(): void {
    const cache = cacheOf(this.#options);
    if (existsSync(cache) || !existsSync(this.seen(CAPABILITIES))) return;
    const aside = `${cache}.${process.pid}`;
    cpSync(this.seen(CAPABILITIES), aside, { recursive: true });
    try {
      renameSync(aside, cache);
    } catch {
      // Another test was first.
      rmSync(aside, { recursive: true, force: true });
    }
  }

  #nameUsers(ids: readonly number[]): void {
    // As systemd makes it for the agent.
    mkdirSync(this.seen("/run/evenkeel"));
    chownSync(this.seen("/run/evenkeel"), ids[0] ?? 0, ids[0] ?? 0);
    for (const path of CLOSED) {
      mkdirSync(dirname(this.seen(path)));
      writeFileSync(this.seen(path), "", { mode: 0 });
    }
    for (const [path, line] of Object.entries(NAMES)) {
      writeFileSync(this.seen(path), readFileSync(path, "utf8") + ids.map(line).join(""));
    }
  }

  #configure(): void {
    const { tcpPort, users } = this.#options;
    const qemu = users ? `+${users.qemu}` : "root";
    if (users) this.#nameUsers(Object.values(users));
    const tcp = tcpPort
      ? ["listen_tls = 0", "listen_tcp = 1", 'listen_addr = "127.0.0.1"', 'auth_tcp = "none"']
      : [];
    writeFileSync(
      this.seen("/etc/libvirt/libvirtd.conf"),
      [
        'auth_unix_rw = "none"',
        'auth_unix_ro = "none"',
        'unix_sock_rw_perms = "0770"',
        `host_uuid = "${randomUUID()}"`,
        ...tcp,
        ...(tcpPort ? [`tcp_port = "${tcpPort}"`] : []),
        `log_outputs = "2:file:${this.seen("/var/log/libvirt/libvirtd.log")}"`,
        "",
      ].join("\n"),
    );
    writeFileSync(
      this.seen("/etc/libvirt/qemu.conf"),
      [
        'security_driver = "none"',
        `user = "${qemu}"`,
        `group = "${qemu}"`,
        `dynamic_ownership = ${users ? 1 : 0}`,
        "remember_owner = 0",
        "cgroup_controllers = [ ]",
        "namespaces = [ ]",
        'stdio_handler = "file"',
        "keepalive_interval = 2",
        "keepalive_count = 5",
        "",
      ].join("\n"),
    );
  }
}
