import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SystemClock } from "#agent/os/system-clock.ts";
import { HaproxySwitch } from "#agent/switch/haproxy-switch.ts";
import type { BackendView, SwitchCommand } from "#lib/model/switch.ts";
import { eventually } from "../../test/support/eventually.ts";

/** Debian's path: /usr/sbin is on root's PATH only. */
const HAPROXY = "/usr/sbin/haproxy";
const CONFIGURATION = "haproxy.cfg";
const ADMIN_SOCKET = "haproxy.sock";

export const BACKEND = "web";

/** True where there is an HAProxy to run. */
export function hasHaproxy(): boolean {
  return existsSync(HAPROXY);
}

/** Where the agent finds the admin socket of the HAProxy in this folder. */
export function adminSocketIn(folder: string): string {
  return join(folder, ADMIN_SOCKET);
}

/** The HAProxy of a demonstration: it listens on UNIX sockets alone, and agents add its servers. */
export class DemoHaproxy {
  /** Where clients ask. */
  readonly frontPath: string;
  readonly #folder: string;
  readonly #switch: HaproxySwitch;
  #process: ChildProcess | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.frontPath = join(folder, "front.sock");
    this.#switch = new HaproxySwitch({
      socketPath: adminSocketIn(folder),
      clock: new SystemClock(),
    });
  }

  /** Runs it by `commandOn`, on the host that has it; resolves when it answers. */
  async start(
    commandOn: (command: readonly string[]) => { file: string; args: readonly string[] },
  ): Promise<void> {
    const file = join(this.#folder, CONFIGURATION);
    const log = join(this.#folder, "haproxy.log");
    writeFileSync(file, this.#configuration());
    const shell = 'exec "$0" -db -f "$1" >>"$2" 2>&1';
    const command = commandOn(["sh", "-c", shell, HAPROXY, file, log]);
    const child = spawn(command.file, command.args, { stdio: "ignore" });
    this.#process = child;
    await eventually("HAProxy answers", async () => {
      if (child.exitCode !== null) throw new Error(readFileSync(log, "utf8"));
      return (await this.observe()).exists;
    });
  }

  async observe(): Promise<BackendView> {
    const [view] = await this.#switch.observe([BACKEND], new AbortController().signal);
    if (view === undefined) throw new Error("HAProxy shows no backend");
    return view;
  }

  /** For servers that are none of the agents' own. */
  async perform(command: SwitchCommand): Promise<void> {
    await this.#switch.perform(command, new AbortController().signal);
  }

  /** Safe to call twice, and before the start. */
  async stop(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  #configuration(): string {
    return `${[
      "global",
      `  stats socket ${adminSocketIn(this.#folder)} mode 600 level admin`,
      "defaults",
      "  mode http",
      // A request that finds its server gone goes to another one.
      "  option redispatch 1",
      "  retries 3",
      "  timeout connect 5s",
      "  timeout queue 30s",
      "  timeout client 60s",
      "  timeout server 60s",
      "frontend front",
      `  bind unix@${this.frontPath} mode 600`,
      `  default_backend ${BACKEND}`,
      `backend ${BACKEND}`,
      "  balance leastconn",
    ].join("\n")}\n`;
  }
}
