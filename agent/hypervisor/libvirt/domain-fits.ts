import type { Clock } from "#agent/ports/clock.ts";
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
  readonly #fits = new Map<string, { readonly fit: DomainFit; readonly atMs: number }>();
  /** Those that write to files; what happens to a domain does not change that. */
  readonly #withDisks = new Set<string>();

  constructor(clock: Clock, asking: () => FitAsking) {
    this.#clock = clock;
    this.#asking = asking;
  }

  heard(event: DomainEvent | "missed"): void {
    if (event === "missed") this.#fits.clear();
    else if (!HARMLESS.has(event.event)) this.#fits.delete(event.vm);
  }

  /** What is known of it, for a list; looked up where nothing is. Null also when libvirt is silent. */
  async obstacle(vm: string): Promise<string | null> {
    const known = this.#fits.get(vm);
    if (known && this.#clock.nowMs() - known.atMs < KNOWN_MS_MAX) return known.fit.obstacle;
    return this.look(vm).then(
      (fit) => fit.obstacle,
      () => null,
    );
  }

  /** Looks anew. Rejects with HypervisorError. */
  async look(vm: string): Promise<DomainFit> {
    const fit = await readFit(this.#asking(), vm);
    this.#fits.set(vm, { fit, atMs: this.#clock.nowMs() });
    if (fit.needs.disks.length > 0) this.#withDisks.add(vm);
    else this.#withDisks.delete(vm);
    return fit;
  }

  /** True when it writes to files, as its last look showed. */
  hasSharedDisks(vm: string): boolean {
    return this.#withDisks.has(vm);
  }

  /** Only these are there still. */
  keep(vms: ReadonlySet<string>): void {
    for (const vm of this.#fits.keys()) if (!vms.has(vm)) this.#fits.delete(vm);
    for (const vm of this.#withDisks) if (!vms.has(vm)) this.#withDisks.delete(vm);
  }
}
