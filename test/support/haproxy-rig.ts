import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, createServer, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SystemClock } from "#agent/os/system-clock.ts";
import { HaproxySwitch } from "#agent/switch/haproxy-switch.ts";
import { eventually } from "./eventually.ts";
import type { HeldRequest, SwitchRig } from "./switch-contract.ts";

/** Debian's path: /usr/sbin is on root's PATH only. */
const HAPROXY = "/usr/sbin/haproxy";

/**
 * A real HAProxy with its own configuration in a temporary folder, HTTP servers inside the test,
 * and a client. It listens on UNIX sockets alone, so that runs cannot meet.
 */
export class HaproxyRig implements SwitchRig {
  readonly backend = "web";
  readonly staticBackend = "fixed";
  readonly switch: HaproxySwitch;
  readonly #folder = mkdtempSync(join(tmpdir(), "evenkeel-haproxy-"));
  readonly #members = new Map<string, Server>();
  /** Requests that a member has, by the number that the client gave them. */
  readonly #arrived = new Map<string, { server: string; response: ServerResponse }>();
  /** Clients that keep their connections, as browsers do. */
  readonly #agent = new Agent({ keepAlive: true });
  readonly #killAtExit = () => this.#process?.kill("SIGKILL");
  #process: ChildProcess | undefined;
  #requests = 0;

  private constructor() {
    this.switch = new HaproxySwitch({ socketPath: this.socketPath(), clock: new SystemClock() });
    process.on("exit", this.#killAtExit);
  }

  static async make(): Promise<HaproxyRig> {
    const rig = new HaproxyRig();
    try {
      await rig.begin();
    } catch (error) {
      await rig.close();
      throw error;
    }
    return rig;
  }

  /** The admin socket, or another one of a lower level. */
  socketPath(level: "admin" | "operator" | "user" = "admin"): string {
    return join(this.#folder, level);
  }

  /** Starts HAProxy and resolves when it answers. */
  async begin(): Promise<void> {
    const file = join(this.#folder, "haproxy.cfg");
    const log = join(this.#folder, "haproxy.log");
    writeFileSync(file, this.#configuration());
    // Should this process be killed, HAProxy ends with it.
    const command = 'exec setpriv --pdeathsig KILL "$0" -db -f "$1" >>"$2" 2>&1';
    this.#process = spawn("sh", ["-c", command, HAPROXY, file, log], { stdio: "ignore" });
    const child = this.#process;
    await eventually(`HAProxy answers at ${this.socketPath()}`, async () => {
      if (child.exitCode !== null) throw new Error(readFileSync(log, "utf8"));
      const [view] = await this.switch.observe([this.backend], new AbortController().signal);
      return view?.exists === true;
    });
  }

  /** As `kill -9` of HAProxy. */
  async halt(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  /** Stops HAProxy in its tracks (it neither answers nor ends), or lets it go on. */
  freeze(isFrozen: boolean): void {
    this.#process?.kill(isFrozen ? "SIGSTOP" : "SIGCONT");
  }

  async restart(): Promise<void> {
    await this.halt();
    await this.begin();
  }

  async endpoint(server: string): Promise<{ address: string; port: number }> {
    const member = this.#members.get(server) ?? (await this.#serve(server));
    return { address: "127.0.0.1", port: (member.address() as AddressInfo).port };
  }

  /** The member is gone without a word: its connections break, new ones are refused. */
  loseEndpoint(server: string): void {
    const member = this.#members.get(server);
    member?.close();
    member?.closeAllConnections();
    this.#members.delete(server);
  }

  /** `hashed` has the same server for every request, as long as that one is there. */
  async send(backend: "web" | "hashed" = "web"): Promise<HeldRequest | null> {
    this.#requests += 1;
    const number = String(this.#requests);
    const socketPath = join(this.#folder, "front");
    const headers = { number, backend };
    const sent = request({ socketPath, path: "/", headers, agent: false });
    let status: number | undefined;
    const answered = new Promise<void>((resolve, reject) => {
      sent.on("error", reject);
      sent.on("response", (response) => {
        status = response.statusCode;
        response.resume().on("close", resolve);
      });
    });
    answered.catch(() => {});
    sent.end();
    await eventually(`request ${number} arrives or is refused`, async () => {
      return status !== undefined || this.#arrived.has(number);
    });
    const arrival = this.#arrived.get(number);
    if (arrival === undefined) return null;
    this.#arrived.delete(number);
    return {
      server: arrival.server,
      finish: () => {
        arrival.response.end("done");
        return answered;
      },
    };
  }

  /** Asks through the switch and is answered at once. Never rejects: status 0 is a lost request. */
  get(path = "/now"): Promise<{ status: number; server: string }> {
    const socketPath = join(this.#folder, "front");
    return new Promise((resolve) => {
      const lost = () => resolve({ status: 0, server: "" });
      const sent = request({ socketPath, path, agent: this.#agent }, (response) => {
        let server = "";
        response.setEncoding("utf8").on("data", (text) => {
          server += text;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, server }));
        response.on("error", lost);
      });
      sent.on("error", lost);
      sent.end();
    });
  }

  async close(): Promise<void> {
    process.off("exit", this.#killAtExit);
    this.#agent.destroy();
    await this.halt();
    for (const member of this.#members.values()) {
      member.closeAllConnections();
      member.close();
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #serve(name: string): Promise<Server> {
    const member = createServer((incoming, response) => {
      if (incoming.url === "/now") response.end(name);
      else this.#arrived.set(String(incoming.headers["number"]), { server: name, response });
    });
    this.#members.set(name, member);
    member.listen(0, "127.0.0.1");
    await once(member, "listening");
    return member;
  }

  #configuration(): string {
    const sockets = (["admin", "operator", "user"] as const).map(
      (level) => `  stats socket ${this.socketPath(level)} mode 600 level ${level}`,
    );
    return `${[
      "global",
      ...sockets,
      "defaults",
      "  mode http",
      // A request that finds its server gone goes to another one.
      "  option redispatch 1",
      "  retries 3",
      "  timeout connect 5s",
      "  timeout client 60s",
      "  timeout server 60s",
      // Without it a request waits for no longer than a connection may take.
      "  timeout queue 60s",
      "frontend front",
      `  bind unix@${join(this.#folder, "front")} mode 600`,
      "  use_backend hashed if { req.hdr(backend) hashed }",
      "  default_backend web",
      "backend web",
      "  balance roundrobin",
      "backend hashed",
      "  balance uri",
      "  hash-type consistent",
      "backend fixed",
      "  balance static-rr",
      "  server admins-own 127.0.0.1:9",
      "backend mixed",
      "  balance leastconn",
      "  server admins-own 127.0.0.1:9",
    ].join("\n")}\n`;
  }
}
