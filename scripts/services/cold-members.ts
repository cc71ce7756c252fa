import { SystemClock } from "#agent/os/system-clock.ts";
import { awaitHealthy } from "#agent/switch/health-probe.ts";
import type { SwitchCommand } from "#lib/model/switch.ts";
import { freePort } from "../../test/support/free-port.ts";
import type { GuestImage } from "../lab/guest-image.ts";
import type { DemoCluster } from "./demo-cluster.ts";
import { BACKEND } from "./demo-haproxy.ts";
import { MEMBER_WEB } from "./demo-plan.ts";
import {
  GUEST_PORT,
  HEALTH_PATH,
  MEMBER_MACHINE,
  memberCmdline,
  USER_NETWORK_GUEST,
} from "./member-template.ts";

const BOOT_MS_MAX = 120_000;
const ANSWER_MS_MAX = 1_000;
const WEIGHT = 100;

/**
 * The same guests without services: a VM on each host of a cluster on loopback, which its agent boots
 * when told to, and which is added to HAProxy the moment that it is well.
 */
export class ColdMembers {
  readonly #cluster: DemoCluster;
  readonly #image: GuestImage;
  readonly #ports = new Map<number, number>();
  readonly #ending = new AbortController();

  constructor(cluster: DemoCluster, image: GuestImage) {
    this.#cluster = cluster;
    this.#image = image;
  }

  /** Defines all of them, so that a boot is a boot and no more. */
  async define(): Promise<void> {
    for (const [index, { api }] of this.#cluster.fleet.hosts.entries()) {
      const hostPort = await freePort();
      this.#ports.set(index + 1, hostPort);
      await api.post("/v1/vms", {
        name: nameOf(index + 1),
        ...MEMBER_MACHINE,
        kernel: {
          path: this.#image.kernel,
          initrd: this.#image.initrd,
          cmdline: memberCmdline(USER_NETWORK_GUEST),
        },
        network: { kind: "user", forwards: [{ hostPort, guestPort: GUEST_PORT }] },
      });
    }
  }

  /** Boots the one on this host, from 1; resolves once HAProxy sends it requests, with how long that took, ms. */
  async boot(number: number): Promise<number> {
    const startMs = performance.now();
    const port = this.#ports.get(number);
    if (port === undefined) throw new Error(`no member is defined on host ${number}`);
    const address = "127.0.0.1";
    await this.#cluster.fleet.host(number).api.post(`/v1/vms/${nameOf(number)}/start`);
    await awaitHealthy(
      { address, port, path: HEALTH_PATH },
      { clock: new SystemClock(), timeoutMs: ANSWER_MS_MAX, withinMs: BOOT_MS_MAX },
      this.#ending.signal,
    );
    const connectionsMax = MEMBER_WEB.atOnce;
    await this.#say(number, { act: "add", address, port, weight: WEIGHT, connectionsMax });
    await this.#say(number, { act: "ready" });
    return performance.now() - startMs;
  }

  /** Boots under way are given up. */
  stop(): void {
    this.#ending.abort();
  }

  async #say(number: number, command: DistributedOmit<SwitchCommand>): Promise<void> {
    const server = nameOf(number);
    await this.#cluster.haproxy.perform({ backend: BACKEND, server, ...command });
  }
}

/** Of each command what is said about a server. */
type DistributedOmit<Command> = Command extends unknown
  ? Omit<Command, "backend" | "server">
  : never;

function nameOf(number: number): string {
  return `cold-${number}`;
}
