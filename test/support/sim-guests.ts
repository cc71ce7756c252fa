import { rmSync } from "node:fs";
import { counterMs } from "#lib/simulation/sim-copy.ts";
import type { AgentFleet } from "./agent-fleet.ts";
import type { AgentHost } from "./agent-host.ts";
import { CopyWatch, copyPath, readCopy } from "./copy-watch.ts";
import type { FaultGuests, FaultStory } from "./fault-guests.ts";

/** Simulated guests count milliseconds; real ones ten times a second. */
const TICK_MS = 100;

/** Simulated guests of real agents: a file each, that is the guest. */
export class SimGuests implements FaultGuests {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly streamsAlone = false;

  constructor(options: { settings?: Readonly<Record<string, unknown>> } = {}) {
    this.settings = { hypervisor: { driver: "sim" }, ...options.settings };
  }

  spec(vm: string): Readonly<Record<string, unknown>> {
    const kernel = { path: "/boot/none", cmdline: "dirty=16 load=1" };
    return { name: vm, memory: "64MiB", kernel };
  }

  async count(fleet: AgentFleet, vm: string): Promise<number> {
    const nowMs = Date.now();
    const counts = fleet.hosts.map((host) => {
      const copy = readCopy(host, vm);
      return copy === null ? -1 : Math.floor(counterMs(copy, nowMs) / TICK_MS);
    });
    return Math.max(...counts);
  }

  copies(fleet: AgentFleet, vm: string): readonly string[] {
    return fleet.hosts.filter((host) => readCopy(host, vm) !== null).map(({ name }) => name);
  }

  kill(host: AgentHost, vm: string): boolean {
    const isHere = readCopy(host, vm) !== null;
    rmSync(copyPath(host, vm), { force: true });
    return isHere;
  }

  watch(fleet: AgentFleet, vm: string): () => Promise<FaultStory> {
    const watch = new CopyWatch(fleet.hosts, vm);
    return async () => {
      watch.stop();
      const fault = watch.faults.length > 0 ? watch.faults.join("; ") : null;
      return { fault, frozenMsMax: watch.frozenMsMax };
    };
  }
}
