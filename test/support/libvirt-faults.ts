import { statSync } from "node:fs";
import { eventually } from "./eventually.ts";
import { LibvirtFleet } from "./libvirt-fleet.ts";
import { LibvirtImages } from "./libvirt-images.ts";
import type { RpcMoment } from "./rpc-gate.ts";

/** What is killed (kill -9), at which end. */
export type LibvirtVictim =
  | "source libvirtd"
  | "target libvirtd"
  | "source guest"
  | "target guest"
  | "source channel"
  | "source agent"
  | "target agent"
  /** Its libvirtd, its guest and its agent at once. */
  | "source host"
  | "target host";

/** Where the VM may run in the end; `nowhere`: its memory is lost, and nothing starts it by itself. */
export type LibvirtEnd = "source" | "target" | "nowhere";

/** `mid-copy`: a part of the disk is over. */
export type LibvirtMoment = RpcMoment | "mid-copy";

export type LibvirtFaultRow = readonly [
  moment: LibvirtMoment,
  victim: LibvirtVictim,
  ends: readonly LibvirtEnd[],
];

/** Each death at each moment, and how it may end: as measured on libvirt, then decided by the core. */
export const libvirtFaultTable: readonly LibvirtFaultRow[] = [
  ["prepared", "source libvirtd", ["source"]],
  ["prepared", "target libvirtd", ["source"]],
  ["prepared", "source guest", ["nowhere"]],
  ["prepared", "target guest", ["source"]],
  ["prepared", "source channel", ["source"]],
  ["prepared", "source agent", ["source"]],
  ["prepared", "target agent", ["source"]],
  ["finish-call", "source libvirtd", ["source", "target"]],
  ["finish-call", "target libvirtd", ["source"]],
  ["finish-call", "source guest", ["target"]],
  ["finish-call", "target guest", ["source"]],
  ["finish-call", "source channel", ["source"]],
  ["finish-call", "source agent", ["source"]],
  ["finish-call", "target agent", ["source"]],
  ["finish-reply", "source libvirtd", ["source", "target"]],
  ["finish-reply", "target libvirtd", ["source", "target"]],
  ["finish-reply", "source guest", ["target"]],
  // libvirt itself gives the source's copy away although the target's is dead.
  ["finish-reply", "target guest", ["nowhere"]],
  ["finish-reply", "source channel", ["source"]],
  ["finish-reply", "source agent", ["source"]],
  ["finish-reply", "target agent", ["source", "target"]],
  // Nobody can say whether the source's guest ran on before its host died: the copy may be old.
  ["prepared", "source host", ["nowhere"]],
  ["finish-call", "source host", ["nowhere"]],
  ["finish-reply", "source host", ["nowhere"]],
  ["prepared", "target host", ["source"]],
  ["finish-call", "target host", ["source"]],
  ["finish-reply", "target host", ["source"]],
];

/** The same with a disk that is copied along: it is under way from `prepared` on. */
export const libvirtDiskFaultTable: readonly LibvirtFaultRow[] = libvirtFaultTable.flatMap((row) =>
  row[0] === "prepared" ? [row, ["mid-copy", row[1], row[2]] as const] : [row],
);

const STEP = { limitMs: 120_000, pollMs: 200 };
const SHOWN = { limitMs: 15_000, pollMs: 200 };
/** How long what was killed stays away. */
const BROKEN_MS = 1500;
const MID_TRANSFER_MS = 400;
const BLOCK_BYTES = 512;
const PART_BYTES = 8 << 20;
/** Longer than a copy takes to show that it runs. */
const SETTLED_MS = 1500;

export interface LibvirtCellOutcome {
  readonly end: LibvirtEnd;
  readonly faults: readonly string[];
  readonly tookMs: number;
  /** Ends at which an image is in the end; none where the guest has no disk. */
  readonly images: readonly LibvirtEnd[];
}

/** What libvirt did not see through to its end, evenkeel takes for worthless at no end. */
function mayLeaveTwo(moment: LibvirtMoment, victim: LibvirtVictim): boolean {
  return victim === "source libvirtd" && moment.startsWith("finish");
}

/** Strikes one cell after the other on one pair of hosts; a VM that lived goes on to the next. */
export class LibvirtFaults {
  readonly #libvirt: LibvirtFleet;
  readonly #hasDisk: boolean;
  #vms = 0;
  #vm: string | undefined;
  #at = 1;

  private constructor(libvirt: LibvirtFleet, hasDisk: boolean) {
    this.#libvirt = libvirt;
    this.#hasDisk = hasDisk;
  }

  /** `hasDisk`: the guest writes to an image on its host's own storage, which is copied along. */
  static async make({ hasDisk = false } = {}): Promise<LibvirtFaults> {
    const bandwidthMiBps = hasDisk ? 48 : 24;
    const libvirt = await LibvirtFleet.make({ count: 2, bandwidthMiBps });
    return new LibvirtFaults(libvirt, hasDisk);
  }

  get libvirt(): LibvirtFleet {
    return this.#libvirt;
  }

  close(): Promise<void> {
    return this.#libvirt.close();
  }

  async run([moment, victim, ends]: LibvirtFaultRow): Promise<LibvirtCellOutcome> {
    const vm = await this.#guest();
    const from = this.#at;
    const to = 3 - from;
    const beganMs = performance.now();
    const strike = () => this.#strike(victim, { vm, from, to });
    const struck = this.#strikeAt(moment, strike, { vm, to });
    await this.#libvirt.order(vm, from, to);
    await struck;
    await new Promise((resolve) => setTimeout(resolve, BROKEN_MS));
    await this.#mend();
    const end = await this.#end(vm, from);
    const tookMs = performance.now() - beganMs;
    const faults = await this.#faults(vm, end, from);
    const images = this.#hasDisk ? await this.#images(vm, end, faults) : [];
    if (images.length > 1 && !mayLeaveTwo(moment, victim)) faults.push("both images are left");
    if (!ends.includes(end)) faults.push(`ended at ${end}, not ${ends.join(" or ")}`);
    if (end === "nowhere") this.#vm = undefined;
    else this.#at = end === "source" ? from : to;
    return { end, faults, tookMs, images };
  }

  #agent(number: number) {
    return this.#libvirt.fleet.host(number);
  }

  async #guest(): Promise<string> {
    if (this.#vm === undefined) {
      this.#vms += 1;
      this.#vm = `cell-${this.#vms}`;
      if (this.#hasDisk) await this.#libvirt.bootWithDisk(this.#vm, this.#at);
      else await this.#libvirt.boot(this.#vm, this.#at);
    }
    const vm = this.#vm;
    // A move that was aborted ties the VM until the other end has said that it holds no copy.
    await eventually(`${vm} is free to move`, async () => (await this.#isFree(vm)) === true, STEP);
    return vm;
  }

  async #isFree(vm: string): Promise<boolean> {
    for (const host of this.#libvirt.fleet.hosts) {
      const { moves } = await host.api.status();
      if (moves.some((move) => move.vm === vm)) return false;
    }
    return true;
  }

  /** Resolves when the fault was struck; at `prepared` in the middle of the memory's stream. */
  #strikeAt(
    moment: LibvirtMoment,
    strike: () => Promise<void>,
    { vm, to }: { vm: string; to: number },
  ): Promise<void> {
    const struck = Promise.withResolvers<void>();
    const gate = this.#libvirt.gates[to - 1];
    if (!gate) throw new Error(`there is no gate ${to}`);
    const awaited = moment === "mid-copy" ? "prepared" : moment;
    // What strikes within the stream must not hold it up.
    const isLater = moment === "mid-copy" || (moment === "prepared" && !this.#hasDisk);
    gate.onMoment = async (seen) => {
      if (seen !== awaited) return;
      gate.onMoment = async () => undefined;
      const done = (isLater ? this.#within(moment, { vm, to }) : Promise.resolve()).then(strike);
      done.then(struck.resolve, struck.reject);
      if (!isLater) await done;
    };
    return struck.promise;
  }

  async #within(moment: LibvirtMoment, { vm, to }: { vm: string; to: number }): Promise<void> {
    if (moment !== "mid-copy") {
      await new Promise((resolve) => setTimeout(resolve, MID_TRANSFER_MS));
      return;
    }
    const image = this.#libvirt.localImage(vm, to);
    const isPartOver = async () => statSync(image).blocks * BLOCK_BYTES > PART_BYTES;
    await eventually("a part of the disk is over", isPartOver, { ...STEP, pollMs: 10 });
  }

  async #strike(
    victim: LibvirtVictim,
    { vm, from, to }: { vm: string; from: number; to: number },
  ): Promise<void> {
    const number = victim.startsWith("source") ? from : to;
    const host = this.#libvirt.hosts[number - 1];
    const agent = this.#agent(number);
    if (victim.endsWith("host")) {
      // Its libvirtd first: it must not tell anybody of its guest's death.
      const dead = host?.killDaemon();
      host?.killGuest(vm);
      await Promise.all([dead, agent.kill()]);
    } else if (victim.endsWith("libvirtd")) await host?.killDaemon();
    else if (victim.endsWith("guest")) host?.killGuest(vm);
    else if (victim.endsWith("agent")) await agent.kill();
    else for (const pid of agent.channelPids()) process.kill(pid, "SIGKILL");
  }

  async #mend(): Promise<void> {
    for (const host of this.#libvirt.hosts) if (!host.running) await host.start();
    await this.#libvirt.fleet.startAll();
  }

  /** Until no move is open, and the VM counts on or has no process anywhere. */
  async #end(vm: string, from: number): Promise<LibvirtEnd> {
    await eventually(`the move of ${vm} is over`, () => this.#isFree(vm), STEP);
    let end: LibvirtEnd | undefined;
    await eventually(
      `${vm} runs, or is known to be lost`,
      async () => {
        const processes = this.#libvirt.processes(vm);
        if (processes.length > 1) return false;
        const [number] = processes;
        if (number === undefined) end = "nowhere";
        else {
          const before = await this.#libvirt.count(vm);
          await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
          if ((await this.#libvirt.count(vm)) <= before) return false;
          end = number === from ? "source" : "target";
        }
        return true;
      },
      STEP,
    );
    if (end === undefined) throw new Error(`${vm} came to no end`);
    return end;
  }

  /** Where the images are in the end; what is wrong with the one that is needed goes to `faults`. */
  async #images(
    vm: string,
    end: LibvirtEnd,
    faults: string[],
  ): Promise<LibvirtCellOutcome["images"]> {
    const from = this.#at;
    const images = new LibvirtImages(this.#libvirt, vm);
    const owner = end === "nowhere" ? undefined : end === "source" ? from : 3 - from;
    const left = await images.left(owner);
    const fault = await (owner ? images.faultAt(owner) : images.faultOfColdBoot());
    if (fault !== null) faults.push(fault);
    for (const number of left) if (owner && number !== owner) images.remove(number);
    return left.map((number) => (number === from ? "source" : "target"));
  }

  async #faults(vm: string, end: LibvirtEnd, from: number): Promise<string[]> {
    const faults: string[] = [];
    const { lost, repeated } = await this.#libvirt.serial(vm);
    if (repeated.length > 0) faults.push(`two copies ran: counts repeated ${repeated.slice(0, 9)}`);
    if (lost.length > 0) faults.push(`counts lost: ${lost.slice(0, 9)}`);
    const owner = this.#agent(end === "target" ? 3 - from : from);
    let states: readonly string[] = [];
    const isShown = async () => {
      const rows = (await owner.api.vms()).filter(({ name }) => name === vm);
      states = rows.map(({ state }) => state);
      return states.some((state) => (end === "nowhere") !== (state === "running"));
    };
    // A guest that died by itself is missed at the agent's next look.
    await eventually(`${vm} is shown as it is`, isShown, SHOWN).catch(() => {
      faults.push(`shown as ${states} though it is ${end}`);
    });
    return faults;
  }
}
