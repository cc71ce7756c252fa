import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SystemClock } from "#agent/os/system-clock.ts";
import { HaproxySwitch } from "#agent/switch/haproxy-switch.ts";
import type { SwitchServer } from "#lib/model/switch.ts";
import { eventually } from "./eventually.ts";

/** Debian's path: /usr/sbin is on root's PATH only. */
const HAPROXY = "/usr/sbin/haproxy";
const BACKEND = "web";

/** Makes the command that runs on the switch's host. */
export type CommandOn = (command: readonly string[]) => { file: string; args: readonly string[] };

/**
 * A real HAProxy on one host of a fleet, set up as the README says: it reaches members over the
 * host's network, clients reach it over a UNIX socket, which no cut link concerns. Each answer
 * names the server that it came from, or that failed, in `x-server`.
 */
export class FrontSwitch {
  readonly adminPath: string;
  readonly frontPath: string;
  readonly #switch: HaproxySwitch;
  readonly #process: ChildProcess;
  readonly #log: string;

  private constructor(folder: string, commandOn: CommandOn) {
    mkdirSync(folder);
    this.adminPath = join(folder, "admin");
    this.frontPath = join(folder, "front");
    this.#log = join(folder, "log");
    const file = join(folder, "haproxy.cfg");
    writeFileSync(file, this.#configuration());
    this.#switch = new HaproxySwitch({ socketPath: this.adminPath, clock: new SystemClock() });
    // Should this process be killed, HAProxy ends with it.
    const words = 'exec setpriv --pdeathsig KILL "$0" -db -f "$1" >>"$2" 2>&1';
    const command = commandOn(["sh", "-c", words, HAPROXY, file, this.#log]);
    this.#process = spawn(command.file, command.args, { stdio: "ignore" });
  }

  /** `folder` is made; it must be short, for it holds sockets. */
  static async start(folder: string, commandOn: CommandOn): Promise<FrontSwitch> {
    const front = new FrontSwitch(folder, commandOn);
    await eventually(`HAProxy answers at ${front.adminPath}`, async () => {
      if (front.#process.exitCode !== null) throw new Error(readFileSync(front.#log, "utf8"));
      return (await front.#view())?.exists === true;
    });
    return front;
  }

  async servers(): Promise<readonly SwitchServer[]> {
    return (await this.#view())?.servers ?? [];
  }

  /** As `kill -9` of HAProxy. Safe to call twice. */
  async halt(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill("SIGKILL");
    await once(this.#process, "exit");
  }

  async #view() {
    const [view] = await this.#switch.observe([BACKEND], new AbortController().signal);
    return view;
  }

  #configuration(): string {
    return `${[
      "global",
      `  stats socket ${this.adminPath} mode 600 level admin`,
      "defaults",
      "  mode http",
      "  option redispatch 1",
      "  retries 3",
      "  timeout connect 2s",
      "  timeout queue 30s",
      "  timeout client 60s",
      "  timeout server 10s",
      "frontend front",
      `  bind unix@${this.frontPath} mode 600`,
      "  http-after-response set-header x-server %[srv_name]",
      `  default_backend ${BACKEND}`,
      `backend ${BACKEND}`,
      "  balance leastconn",
    ].join("\n")}\n`;
  }
}
