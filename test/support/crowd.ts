import type { AgentFleet } from "./agent-fleet.ts";
import type { AgentHost } from "./agent-host.ts";
import { eventually } from "./eventually.ts";
import type { QemuGuests } from "./qemu-guests.ts";

/** A guest that has counted this far has booted: what it uses from now on is its load. */
const BOOTED_COUNT = 30;
const BOOT_MS_MAX = 180_000;

/** Real guests spread over a fleet as a test wants them at first. */
export class Crowd {
  readonly names: string[] = [];
  readonly #fleet: AgentFleet;
  readonly #guests: QemuGuests;

  constructor(fleet: AgentFleet, guests: QemuGuests) {
    this.#fleet = fleet;
    this.#guests = guests;
  }

  async start(host: AgentHost, count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      const name = `web-${this.names.length + 1}`;
      this.names.push(name);
      await host.api.post("/v1/vms", this.#guests.spec(name));
      await host.api.post(`/v1/vms/${name}/start`);
    }
  }

  async booted(): Promise<void> {
    const counts = () => Promise.all(this.names.map((vm) => this.#guests.count(this.#fleet, vm)));
    const holds = async () => (await counts()).every((count) => count >= BOOTED_COUNT);
    await eventually("all guests have booted", holds, { limitMs: BOOT_MS_MAX, pollMs: 500 });
  }

  /** Each guest's process, by name: one is written `n2 4711`, more are all there. */
  processes(): ReadonlyMap<string, readonly string[]> {
    const all = this.#fleet.hosts.flatMap((host) =>
      host.guests().map(({ vm, pid }) => ({ vm, place: `${host.name} ${pid}` })),
    );
    return new Map(
      this.names.map((name) => [name, all.filter(({ vm }) => vm === name).map((one) => one.place)]),
    );
  }

  /** What is missing or doubled in any guest's counts, over all hosts, in words. */
  async countFaults(): Promise<readonly string[]> {
    const faults = this.names.map(async (vm) => {
      const { counts, lost, repeated } = await this.#fleet.serialCounts(vm);
      if (counts.length > 0 && lost.length + repeated.length === 0) return [];
      return [`${vm}: lost ${lost.join() || "none"}, repeated ${repeated.join() || "none"}`];
    });
    return (await Promise.all(faults)).flat();
  }

  /** Until every one of these guests has counted on from where it is now. */
  async countOn(names: readonly string[] = this.names): Promise<void> {
    const look = () => Promise.all(names.map((vm) => this.#guests.count(this.#fleet, vm)));
    const before = await look();
    const holds = async () => (await look()).every((count, i) => count > (before[i] ?? 0) + 2);
    await eventually(`${names.join(", ")} count on`, holds, { limitMs: 60_000, pollMs: 200 });
  }
}
