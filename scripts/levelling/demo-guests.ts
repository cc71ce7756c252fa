import { readFileSync } from "node:fs";
import { join } from "node:path";
import { counterMs, type SimCopy } from "#lib/simulation/sim-copy.ts";
import type { AgentFleet } from "../../test/support/agent-fleet.ts";
import type { AgentHost } from "../../test/support/agent-host.ts";
import type { GuestImage } from "../lab/guest-image.ts";

/** Debian's kernel starts in little more than this. */
const MEMORY = "96MiB";
const CONSOLE = "console=ttyS0 quiet panic=-1 no_timer_check tsc=reliable";
/** Memory that a guest fills, MiB, and pages of it that it writes anew ten times a second. */
const DIRTY_MIB = 16;
const DIRTY_PAGES = 20;
/** Simulated guests count milliseconds; a tick of a real one is 100 of them. */
const TICK_MS = 100;
/** Where the sim driver keeps its guests, in the state directory. */
const SIM_FOLDER = "sim-guests";

/** How far one guest has counted, and what of it is missing, doubled or begun anew. */
export interface GuestCount {
  readonly name: string;
  readonly ticks: number;
  readonly ticksLost: number;
}

/** The guests of a demonstration: small, each as busy as the others, each counting. */
export class DemoGuests {
  readonly names: readonly string[];
  readonly #image: GuestImage | null;
  readonly #busyMs: number;
  readonly #boots = new Map<string, { readonly boot: string; readonly ticks: number }>();

  /** `busyMs`: how long a guest is busy in every 100 ms. */
  constructor(options: { count: number; image: GuestImage | null; busyMs: number }) {
    this.names = Array.from({ length: options.count }, (_, i) => `web-${i + 1}`);
    this.#image = options.image;
    this.#busyMs = options.busyMs;
  }

  /** Defines and starts one guest. */
  async start(host: AgentHost, name: string): Promise<void> {
    const work = `dirty=${DIRTY_MIB} rate=${DIRTY_PAGES} load=${this.#busyMs}`;
    const kernel = {
      path: this.#image?.kernel ?? "/simulated",
      initrd: this.#image?.initrd ?? null,
      cmdline: `${CONSOLE} ${work}`,
    };
    await host.api.post("/v1/vms", { name, vcpus: 1, memory: MEMORY, kernel });
    await host.api.post(`/v1/vms/${name}/start`);
  }

  /** What every guest has counted, over all hosts that it ran on. */
  counts(fleet: AgentFleet): Promise<readonly GuestCount[]> {
    return Promise.all(this.names.map((name) => this.#count(fleet, name)));
  }

  async #count(fleet: AgentFleet, name: string): Promise<GuestCount> {
    if (this.#image === null) return this.#simCount(fleet, name);
    const { counts, lost, repeated } = await fleet.serialCounts(name);
    return { name, ticks: counts.length, ticksLost: lost.length + repeated.length };
  }

  /** A simulated guest counts the time that it ran since its boot: only another boot loses any. */
  #simCount(fleet: AgentFleet, name: string): GuestCount {
    const copies = fleet.hosts.flatMap((host) => simCopies(host, name));
    const nowMs = Date.now();
    const ticks = Math.max(
      0,
      ...copies.map((copy) => Math.floor(counterMs(copy, nowMs) / TICK_MS)),
    );
    const boot = copies.at(-1)?.boot ?? "";
    const first = this.#boots.get(name) ?? { boot, ticks };
    const isSame = boot === first.boot;
    this.#boots.set(name, { boot: first.boot, ticks: isSame ? ticks : first.ticks });
    return { name, ticks, ticksLost: isSame ? 0 : first.ticks };
  }
}

function simCopies(host: AgentHost, name: string): readonly SimCopy[] {
  try {
    return [
      JSON.parse(readFileSync(join(host.stateDirectory, SIM_FOLDER, `${name}.json`), "utf8")),
    ];
  } catch {
    // It is on another host.
    return [];
  }
}
