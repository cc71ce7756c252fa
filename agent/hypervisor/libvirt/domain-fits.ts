import type { Clock } from "#agent/ports/clock.ts";
import { DomainCache } from "./domain-cache.ts";
import type { DisksOnTheWay } from "./fit-copies.ts";
import { type DomainFit, type FitAsking, readFit } from "./fit-domain.ts";
import type { DomainEvent } from "./virsh-events.ts";

/** A snapshot, for one, is told by no event. */
const KNOWN_MS_MAX = 60_000;
/** Events that change nothing that a move could stumble over, and come often. */
const HARMLESS = new Set(["balloon-change", "rtc-change", "memory-failure", "job-completed"]);

/** What stands in the way of each domain: looked at when something happened to it, and now and then. */
export class DomainFits {
  readonly #clock: Clock;
  readonly #asking: () => FitAsking;
  readonly #fits = new DomainCache<{ readonly fit: DomainFit; readonly atMs: number }>();
  /** How each domain's disks would go; what happens to it does not change that. */
  readonly #onTheWay = new Map<string, DisksOnTheWay>();

  constructor(clock: Clock, asking: () => FitAsking) {
    this.#clock = clock;
    this.#asking = asking;
  }

  heard(event: DomainEvent | "missed"): void {
    if (event === "missed" || !HARMLESS.has(event.event)) this.#fits.happened(event);
  }

  /** What is known of it, for a list; looked up where nothing is. Undefined if libvirt is silent. */
  async known(vm: string): Promise<DomainFit | undefined> {
    const known = this.#fits.get(vm);
    if (known && this.#clock.nowMs() - known.atMs < KNOWN_MS_MAX) return known.fit;
    return this.look(vm).catch(() => undefined);
  }

  /** Looks anew. Rejects with HypervisorError. */
  async look(vm: string): Promise<DomainFit> {
    const { fit } = await this.#fits.ask(vm, async () => {
      return { atMs: this.#clock.nowMs(), fit: await readFit(this.#asking(), vm) };
    });
    this.#onTheWay.set(vm, fit.onTheWay);
    return fit;
  }

  /** How its disks go, as its last look showed. */
  onTheWay(vm: string): DisksOnTheWay {
    return this.#onTheWay.get(vm) ?? { isShared: false, copied: [] };
  }

  /** Only these are there still. */
  keep(vms: ReadonlySet<string>): void {
    this.#fits.keep(vms);
    for (const vm of this.#onTheWay.keys()) if (!vms.has(vm)) this.#onTheWay.delete(vm);
  }
}
