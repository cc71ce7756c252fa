import type { AgentFleet } from "./agent-fleet.ts";
import type { AgentHost } from "./agent-host.ts";
import type { FaultGuests, FaultStory } from "./fault-guests.ts";
import { GuestWatch, twoRan } from "./guest-watch.ts";
import { labGuest, labGuestFolder } from "./lab-guest.ts";

const CONSOLE = "console=ttyS0 quiet panic=-1 no_timer_check tsc=reliable";
const MEMORY = "96MiB";

export interface QemuGuestOptions {
  /** Memory that a guest fills with noise once, MiB. */
  readonly dirtyMiB?: number;
  /** Pages of it that it writes anew ten times a second. */
  readonly ratePages?: number;
  /** How long it is busy in every 100 ms. */
  readonly loadMs?: number;
  /** More sections of the agents' settings. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** Real guests of QEMU that count on their serial lines. */
export class QemuGuests implements FaultGuests {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly streamsAlone = true;
  readonly #options: Required<Omit<QemuGuestOptions, "settings">>;
  readonly #kernel = labGuest();

  constructor(options: QemuGuestOptions = {}) {
    const { settings, ...work } = options;
    this.#options = { dirtyMiB: 16, ratePages: 20, loadMs: 3, ...work };
    const hypervisor = { driver: "qemu", storageRoots: [labGuestFolder] };
    this.settings = { hypervisor, ...settings };
  }

  spec(vm: string): Readonly<Record<string, unknown>> {
    const { dirtyMiB, ratePages, loadMs } = this.#options;
    const cmdline = `${CONSOLE} dirty=${dirtyMiB} rate=${ratePages} load=${loadMs}`;
    const { kernel: path, initrd } = this.#kernel;
    return { name: vm, vcpus: 1, memory: MEMORY, kernel: { path, initrd, cmdline } };
  }

  async count(fleet: AgentFleet, vm: string): Promise<number> {
    return (await fleet.serialCounts(vm)).counts.at(-1) ?? -1;
  }

  copies(fleet: AgentFleet, vm: string): readonly string[] {
    const has = (host: AgentHost) => host.guests().some((guest) => guest.vm === vm);
    return fleet.hosts.filter(has).map(({ name }) => name);
  }

  kill(host: AgentHost, vm: string): boolean {
    return host.killGuest(vm);
  }

  watch(fleet: AgentFleet, vm: string): () => Promise<FaultStory> {
    const watch = new GuestWatch(fleet.hosts, vm);
    return async () => {
      const story = watch.stop();
      const { lost, repeated } = await fleet.serialCounts(vm);
      const { frozenMsMax } = story;
      if (twoRan(story)) return { fault: "two copies ran at once", frozenMsMax };
      if (repeated.length > 0) return { fault: `counts repeated: ${repeated}`, frozenMsMax };
      if (lost.length > 0) return { fault: `counts lost: ${lost}`, frozenMsMax };
      // It moves once; going back to where it was would be a second life.
      const back = story.ranOn.length > 2;
      return { fault: back ? `it ran on ${story.ranOn.join(", then ")}` : null, frozenMsMax };
    };
  }
}
