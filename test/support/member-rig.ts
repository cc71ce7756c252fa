import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { QemuMemberFiles } from "#agent/hypervisor/qemu/qemu-member-files.ts";
import { SystemClock } from "#agent/os/system-clock.ts";
import type { Channel } from "#agent/ports/channel.ts";
import type { Log } from "#agent/ports/log.ts";
import { OpPerformer } from "#agent/runtime/perform-op.ts";
import { askHealth, awaitHealthy } from "#agent/switch/health-probe.ts";
import type { HostOp, HostOpResult, MemberMaking } from "#lib/model/host-op.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { freePort } from "./free-port.ts";
import { HaproxyRig } from "./haproxy-rig.ts";
import { QemuRig } from "./qemu-rig.ts";

const BASE_SIZE = "64M";
const BOOT_MS_MAX = 60_000;
const ANSWER_MS_MAX = 2_000;
export const GUEST_ANSWER = "hello\n";
/** Answers with the guest's clock, s since 1970, and is well only while it is right: scripts/lab/web.c. */
export const GUEST_CLOCK = "/clock";
/** Well whatever time it is. */
const GUEST_HEALTH = "/health";
const server = "evenkeel-web-1";
const { signal } = new AbortController();

const noChannel: Channel = {
  warm: () => undefined,
  listen: () => Promise.reject(new Error("no moves here")),
  connect: () => Promise.reject(new Error("no moves here")),
  close: async () => undefined,
  stop: async () => undefined,
};

interface MemberRigParts {
  readonly qemu: QemuRig;
  readonly haproxy: HaproxyRig;
  /** On this host, where the guest's HTTP server is reached. */
  readonly port: number;
  readonly health: string;
  readonly agent: GuestAgentHere;
}

/** What the member's guest has of an agent; `stopped`: its port, and nobody who listens there. */
export type GuestAgentHere = "runs" | "stopped" | "none";

interface MemberRigOptions {
  /** Path of the health check; default GUEST_HEALTH. */
  readonly health?: string;
  /** Default "runs". */
  readonly agent?: GuestAgentHere;
  readonly log?: Log;
}

/**
 * One host that takes members: real QEMU, a guest that answers HTTP and has an overlay for a disk,
 * and a real HAProxy. Its operations are performed as the agent performs them.
 */
export class MemberRig {
  readonly qemu: QemuRig;
  readonly haproxy: HaproxyRig;
  readonly spec: VmSpec;
  readonly making: MemberMaking;
  readonly #port: number;
  #ops: OpPerformer;

  private constructor({ qemu, haproxy, port, health, agent }: MemberRigParts) {
    this.qemu = qemu;
    this.haproxy = haproxy;
    this.#port = port;
    const overlays = join(qemu.folder, "members");
    mkdirSync(overlays);
    const base = join(qemu.folder, "base.raw");
    execFileSync("qemu-img", ["create", "-q", "-f", "raw", base, BASE_SIZE]);
    this.spec = specOn(qemu, { overlay: join(overlays, "web-1.qcow2"), port, agent });
    const { kernel, initrd } = qemu.guest;
    const probe = { address: "127.0.0.1", port, path: health };
    this.making = {
      base: { path: base, sha256: sha256Of(base), format: "raw" },
      files: [kernel, initrd].map((path) => ({ path, sha256: sha256Of(path) })),
      probe: { ...probe, timeoutMs: ANSWER_MS_MAX, msMax: BOOT_MS_MAX },
    };
    this.#ops = this.#performer();
  }

  static async make(options: MemberRigOptions = {}): Promise<MemberRig> {
    const { health = GUEST_HEALTH, agent = "runs", log } = options;
    const qemu = await QemuRig.make(log && { log });
    try {
      const haproxy = await HaproxyRig.make();
      return new MemberRig({ qemu, haproxy, port: await freePort(), health, agent });
    } catch (error) {
      await qemu.close();
      throw error;
    }
  }

  get overlayPath(): string {
    return this.spec.disks[0]?.path ?? "";
  }

  perform(op: HostOp): Promise<HostOpResult> {
    return this.#ops.perform(op);
  }

  stage(changes: Partial<MemberMaking> = {}): Promise<HostOpResult> {
    return this.perform({
      op: "stageMember",
      spec: this.spec,
      making: { ...this.making, ...changes },
    });
  }

  /** As `perform`, but what ends badly is thrown. */
  async must(op: HostOp): Promise<unknown> {
    const result = await this.perform(op);
    if (!result.ok) throw new Error(`${op.op}: ${result.code}: ${result.message}`);
    return result.value;
  }

  /** Resolves when the member is well; `path` in place of its own health check. */
  check(path = this.making.probe.path): Promise<unknown> {
    const probe = { ...this.making.probe, path };
    return this.must({ op: "checkMember", vm: this.spec.name, probe });
  }

  suspend(): Promise<unknown> {
    return this.must({ op: "suspend", spec: this.spec });
  }

  resume(): Promise<unknown> {
    return this.must({ op: "resume", spec: this.spec });
  }

  /** Adds the member at the switch, taking no requests yet. */
  async addToSwitch(): Promise<void> {
    const add = {
      act: "add",
      address: "127.0.0.1",
      port: this.#port,
      weight: 1,
      connectionsMax: null,
    } as const;
    await this.haproxy.switch.perform({ backend: "web", server, ...add }, signal);
  }

  async setAtSwitch(act: "ready" | "maint"): Promise<void> {
    await this.haproxy.switch.perform({ backend: "web", server, act }, signal);
  }

  /** What a client gets through the switch. */
  async askThroughSwitch(path = "/"): Promise<string> {
    const { status, server: body } = await this.haproxy.get(path);
    return status === 200 ? body : `status ${status}`;
  }

  /** The state of the member's copy here; undefined when there is none. */
  async state(): Promise<string | undefined> {
    const copies = await this.qemu.source.list();
    return copies.find(({ vm }) => vm === this.spec.name)?.state;
  }

  /** Another life of the agent on the same host. */
  async restartAgent(): Promise<void> {
    this.#ops.stop();
    await this.qemu.restartAgent("source");
    this.#ops = this.#performer();
  }

  async close(): Promise<void> {
    this.#ops.stop();
    await this.haproxy.close();
    await this.qemu.close();
  }

  #performer(): OpPerformer {
    const clock = new SystemClock();
    const { folder, guest, source } = this.qemu;
    const storageRoots = [folder, join(guest.kernel, "..")];
    return new OpPerformer({
      hypervisor: source,
      channel: noChannel,
      channelAddress: null,
      members: {
        files: new QemuMemberFiles({ overlayFolder: join(folder, "members"), storageRoots }),
        awaitHealthy: ({ timeoutMs, msMax, ...target }, until) =>
          awaitHealthy(target, { clock, timeoutMs, withinMs: msMax }, until),
        askHealth: ({ timeoutMs, msMax: _, ...target }, until) =>
          askHealth(target, { clock, timeoutMs }, until),
      },
      progressed: () => undefined,
    });
  }
}

function specOn(
  qemu: QemuRig,
  { overlay, port, agent }: { overlay: string; port: number; agent: GuestAgentHere },
): VmSpec {
  const spec = qemu.spec("web-1");
  if (spec.kernel === null) throw new Error("the lab guest boots a kernel");
  const cmdline = `${spec.kernel.cmdline} disk=1 net=1 gip=10.0.2.15 web=0,64`;
  const agentWords = agent === "runs" ? " agent=1" : "";
  return {
    ...spec,
    machine: "q35",
    kernel: { ...spec.kernel, cmdline: cmdline + agentWords },
    disks: [{ path: overlay, format: "qcow2" }],
    network: { kind: "user", forwards: [{ protocol: "tcp", hostPort: port, guestPort: 80 }] },
    ...(agent !== "none" && { guestAgent: true }),
  };
}

function sha256Of(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
