// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of service files.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { AgentFleet } from "../../test/support/agent-fleet.ts";
import { eventually } from "../../test/support/eventually.ts";
import { freePort } from "../../test/support/free-port.ts";
import { canMakeNamespaces } from "../../test/support/network-namespaces.ts";
import type { GuestImage } from "../lab/guest-image.ts";
import { adminSocketIn, BACKEND, DemoHaproxy } from "./demo-haproxy.ts";
import { MEMBER_WEB, SESSIONS_PER_MEMBER } from "./demo-plan.ts";
import {
  GUEST_PORT,
  HEALTH_PATH,
  MEMBER_MACHINE,
  memberCmdline,
  USER_NETWORK_GUEST,
} from "./member-template.ts";

export const HOSTS = 3;
export const SERVICE = "web";
/** Of every host that is a network namespace. */
const BRIDGE = "br0";
/** The host whose agent keeps an HAProxy in line. */
const SWITCH_HOST = 1;
const CAPACITY = { cpuCores: 2, memoryMiB: 1024 };

/** Three hosts, a service declared on one of them, and an HAProxy beside its agent. */
export class DemoCluster {
  readonly fleet: AgentFleet;
  readonly haproxy: DemoHaproxy;
  readonly #image: GuestImage;
  readonly #network: "bridges" | "loopback";

  /** As root each host is a network namespace with a bridge for its guests; else all share loopback. */
  constructor(
    image: GuestImage,
    network: "bridges" | "loopback" = canMakeNamespaces() ? "bridges" : "loopback",
  ) {
    this.#image = image;
    this.#network = network;
    const hypervisor = { driver: "qemu", storageRoots: [dirname(image.kernel)], bridges: [BRIDGE] };
    this.fleet = new AgentFleet({
      count: HOSTS,
      network: this.#network,
      settings: { hypervisor, capacity: CAPACITY },
      settingsOf: (number, folder) =>
        number === SWITCH_HOST ? { switch: { haproxySocket: adminSocketIn(folder) } } : {},
    });
    this.haproxy = new DemoHaproxy(this.fleet.folder);
  }

  /** Resolves when all agents see each other; how long that took, ms. */
  async start(): Promise<number> {
    await this.haproxy.start((command) => this.fleet.commandOn(SWITCH_HOST, command));
    await this.fleet.startAll();
    return this.fleet.joined();
  }

  /** Declares the service and lets the cluster act. */
  async declare(): Promise<void> {
    const { api } = this.fleet.host(SWITCH_HOST);
    await api.post("/v1/mode", { mode: "act" });
    await api.post("/v1/services", await this.#service());
  }

  /** Withdraws the service, and stops the cluster from acting by itself. */
  async withdraw(): Promise<void> {
    const { api } = this.fleet.host(SWITCH_HOST);
    await api.post(`/v1/services/${SERVICE}/delete`);
    await eventually("nothing is left of the service", async () => {
      const { servers } = await this.haproxy.observe();
      return servers.length === 0 && this.fleet.hosts.every((host) => host.guests().length === 0);
    });
    await api.post("/v1/mode", { mode: "hold" });
  }

  async close(): Promise<void> {
    await this.haproxy.stop();
    await this.fleet.close();
  }

  async #service() {
    const { kernel, initrd } = this.#image;
    const isBridged = this.#network === "bridges";
    const guestAddress = isBridged ? "${address}" : USER_NETWORK_GUEST;
    return {
      name: SERVICE,
      template: {
        ...MEMBER_MACHINE,
        kernel: {
          path: kernel,
          sha256: await digestOf(kernel),
          initrd: { path: initrd, sha256: await digestOf(initrd) },
          cmdline: memberCmdline(guestAddress),
        },
        network: isBridged
          ? { kind: "bridge", bridge: BRIDGE }
          : { kind: "user", guestPort: GUEST_PORT, hostPort: "${port}" },
      },
      endpoint: isBridged
        ? { address: "${address}", port: GUEST_PORT }
        : { address: "127.0.0.1", port: "${port}" },
      hosts: Object.fromEntries(await Promise.all(this.fleet.hosts.map(this.#substitutions))),
      running: { min: 1, max: HOSTS },
      target: { sessionsPerMember: SESSIONS_PER_MEMBER },
      health: { path: HEALTH_PATH },
      drain: "5s",
      settle: "2s",
      // What is over it waits at HAProxy, where a member that has just come takes it over.
      switch: { backend: BACKEND, connectionsPerMember: MEMBER_WEB.atOnce },
    };
  }

  readonly #substitutions = async ({ name }: { name: string }, index: number) => {
    const isBridged = this.#network === "bridges";
    // A hundred above their host's own.
    const address = this.fleet.addressOf(index + 101);
    return [name, isBridged ? { address } : { port: String(await freePort()) }] as const;
  };
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
