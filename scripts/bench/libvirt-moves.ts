import { mkdtempSync, statSync } from "node:fs";
import { join } from "node:path";
import { consolePath } from "#agent/hypervisor/libvirt/domain-xml.ts";
import type { LibvirtDriver } from "#agent/hypervisor/libvirt/libvirt-driver.ts";
import { libvirtFolder } from "#agent/hypervisor/libvirt/move-paths.ts";
import { moveIdOf, type VmName } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { eventually } from "../../test/support/eventually.ts";
import type { LibvirtHost } from "../../test/support/libvirt-host.ts";
import type { LibvirtRig } from "../../test/support/libvirt-rig.ts";
import { builtEntries } from "./built-entries.ts";
import { virsh } from "./raw-domains.ts";
import { makeChannels, openSocats } from "./stream-carriers.ts";

const LOOK_MS = 5;
/** As much as the channel takes at once: socat's own 8 KiB are slower. */
const SOCAT_BLOCK_BYTES = 65_536;
const RAW_FLAGS = ["--live", "--p2p", "--persistent", "--undefinesource", "--abort-on-error"];
const NO_LIMITS = { bandwidthBytesPerSecond: 0, downtimeMs: 300, noProgressMs: 30_000 };
const RANDOM = "0123456789abcdef";

/** Steps of a move as the agents take them, in their order. */
export const moveSteps = [
  "admit",
  "prepare",
  "listen",
  "connect",
  "transfer",
  "run",
  "cleanUp",
] as const;
type MoveStep = (typeof moveSteps)[number];

export interface MoveFigures {
  /** From the order until the guest runs at the target and nothing of it is left here. */
  readonly totalMs: number;
  /** Longest silence of the guest's serial line, which speaks ten times a second. */
  readonly silenceMs: number;
}

export interface EvenkeelMove extends MoveFigures {
  readonly stepsMs: Readonly<Record<MoveStep, number>>;
}

export interface Place {
  readonly driver: LibvirtDriver;
  readonly host: LibvirtHost;
  readonly tcpPort: number;
}

/** Moves guests between the rig's two hosts: as evenkeel does, and with virsh alone. */
export class LibvirtMoves {
  readonly #rig: LibvirtRig;
  #moves = 1;

  constructor(rig: LibvirtRig) {
    this.#rig = rig;
  }

  /** Driver and channel as two agents use them; their talk and journals are left out. */
  async byEvenkeel(spec: VmSpec, from: Place, to: Place): Promise<EvenkeelMove> {
    const vm = spec.name;
    this.#moves += 1;
    const moveId = moveIdOf(vm, this.#moves, RANDOM);
    const { source, target } = makeChannels(this.#rig.folder, builtEntries.channel);
    const stepsMs: Partial<Record<MoveStep, number>> = {};
    const step = async <Value>(name: MoveStep, work: () => Promise<Value>) => {
      const sinceMs = performance.now();
      const value = await work();
      stepsMs[name] = performance.now() - sinceMs;
      return value;
    };
    const signal = new AbortController().signal;
    const move = async () => {
      await step("admit", async () => {
        source.warm();
        target.warm();
        const offer = await from.driver.offer(moveId, spec);
        const { refusal } = await to.driver.admit(moveId, offer);
        if (refusal !== null) throw new Error(refusal);
      });
      const incoming = await step("prepare", () => to.driver.prepareIncoming(moveId, spec));
      const { port } = await step("listen", () => target.listen(moveId, incoming));
      const door = from.driver.outgoingDoor(moveId);
      const { socketPath } = await step("connect", () =>
        source.connect(moveId, { addresses: ["127.0.0.1"], port, door }),
      );
      const order = { moveId, vm, socketPath, limits: NO_LIMITS, progressed: () => undefined };
      await step("transfer", () =>
        Promise.all([
          from.driver.migrateOut(order, signal),
          to.driver.awaitIncoming(moveId, vm, signal),
        ]),
      );
      await step("run", () => to.driver.runIncoming(moveId, vm));
      await step("cleanUp", async () => {
        await Promise.all([source.close(moveId), target.close(moveId)]);
        await from.driver.discard(moveId, vm);
      });
    };
    try {
      const figures = await this.#watched(vm, move);
      return { ...figures, stepsMs: stepsMs as Record<MoveStep, number> };
    } finally {
      await Promise.all([source.stop(), target.stop()]);
    }
  }

  /** `evenkeel migrate`, or another command that moves the VM and waits. */
  byCommand(vm: VmName, move: () => Promise<unknown>): Promise<MoveFigures> {
    return this.#watched(vm, move);
  }

  /** libvirt's own, over TCP without encryption. */
  byVirsh(vm: VmName, from: Place, to: Place): Promise<MoveFigures> {
    const far = `qemu+tcp://127.0.0.1:${to.tcpPort}/system`;
    return this.#watched(vm, () =>
      virsh(from.host, "migrate", vm, far, "--migrateuri", "tcp://127.0.0.1", ...RAW_FLAGS),
    );
  }

  /**
   * libvirt's own through UNIX sockets that two pairs of socats with TLS lead to the other host: what
   * any encryption outside of QEMU costs here. They wait beforehand, and nobody proves anything.
   */
  async bySocat(vm: VmName, from: Place, to: Place): Promise<MoveFigures> {
    this.#moves += 1;
    const socket = (kind: string) => `${libvirtFolder}/${kind}${this.#moves}.sock`;
    const [memory, control] = [socket("m"), socket("c")];
    const open = (incoming: string, outgoing: string) =>
      openSocats({
        folder: mkdtempSync(join(this.#rig.folder, "socat-")),
        incoming: to.host.seen(incoming),
        outgoing: from.host.seen(outgoing),
        blockBytes: SOCAT_BLOCK_BYTES,
      });
    const carriers = [await open("/run/libvirt/libvirt-sock", control), await open(memory, memory)];
    try {
      const far = `qemu+unix:///system?socket=${control}`;
      return await this.#watched(vm, () =>
        virsh(from.host, "migrate", vm, far, "--migrateuri", `unix://${memory}`, ...RAW_FLAGS),
      );
    } finally {
      await Promise.all(carriers.map((carrier) => carrier.close()));
    }
  }

  async #watched(vm: VmName, move: () => Promise<unknown>): Promise<MoveFigures> {
    const { hosts } = this.#rig;
    const paths = [hosts.source, hosts.target].map((host) => host.seen(consolePath(vm)));
    const size = () => paths.reduce((sum, path) => sum + sizeOf(path), 0);
    let [bytes, spokeAtMs, silenceMs] = [size(), performance.now(), 0];
    const look = () => {
      const [now, nowMs] = [size(), performance.now()];
      if (now === bytes) return;
      silenceMs = Math.max(silenceMs, nowMs - spokeAtMs);
      [bytes, spokeAtMs] = [now, nowMs];
    };
    const timer = setInterval(look, LOOK_MS);
    try {
      const sinceMs = performance.now();
      await move();
      const totalMs = performance.now() - sinceMs;
      const atEnd = size();
      await eventually(`${vm} speaks on`, async () => size() > atEnd, { pollMs: LOOK_MS });
      look();
      return { totalMs, silenceMs };
    } finally {
      clearInterval(timer);
    }
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
