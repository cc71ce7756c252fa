import type { BackendView, WantedBackend } from "#lib/model/switch.ts";
import { serverName, unwantedServers } from "#lib/services/switch-plan.ts";
import type { Clock } from "../ports/clock.ts";

/** Sessions that outlast this are held by clients that never end one (sticky, or a tunnel). */
const OVERDUE_MS = 60_000;

/** Since when each server that nobody wants has been seen, so that its drain has an end. */
export class UnwantedWatch {
  readonly #clock: Clock;
  readonly #overdueMs: number;
  #sinceMs = new Map<string, Map<string, number>>();

  constructor(clock: Clock, overdueMs: number = OVERDUE_MS) {
    this.#clock = clock;
    this.#overdueMs = overdueMs;
  }

  /** Takes in what is there now; `views` in the order of `wanted`. */
  look(wanted: readonly WantedBackend[], views: readonly BackendView[]): void {
    const nowMs = this.#clock.nowMs();
    const before = this.#sinceMs;
    this.#sinceMs = new Map();
    for (const [index, view] of views.entries()) {
      const names = new Set(wanted[index]?.servers.map(({ member }) => serverName(member)));
      const old = before.get(view.backend);
      const since = unwantedServers(view, names).map(
        ({ name }) => [name, old?.get(name) ?? nowMs] as const,
      );
      this.#sinceMs.set(view.backend, new Map(since));
    }
  }

  /** The names of the servers of a backend that have been unwanted for too long. */
  overdue(backend: string): ReadonlySet<string> {
    const before = this.#clock.nowMs() - this.#overdueMs;
    const since = [...(this.#sinceMs.get(backend) ?? [])];
    return new Set(since.filter(([, sinceMs]) => sinceMs <= before).map(([name]) => name));
  }
}
