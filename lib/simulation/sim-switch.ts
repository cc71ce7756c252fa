import type { BackendView, SwitchServer, WantedBackend, WantedServer } from "../model/switch.ts";
import { serverName } from "../services/switch-plan.ts";

/** Sessions of a member that drains end after this long, ms. */
const sessionMs = 1_500;

/** How many sessions clients want of a backend at this switch. */
export type SessionDemand = (backend: string, nowMs: number) => number;

interface Server {
  wanted: WantedServer;
  sessions: number;
  drainsSinceMs: number | null;
}

/**
 * A load-balancing switch: it spreads the sessions that clients want evenly over the servers that
 * are ready. It lives as long as its machine, whatever becomes of the agent.
 */
export class SimSwitch {
  readonly #backends = new Map<string, Map<string, Server>>();
  readonly #demand: SessionDemand;

  constructor(demand: SessionDemand) {
    this.#demand = demand;
  }

  /** Brings it in line at once. */
  apply(backends: readonly WantedBackend[], nowMs: number): void {
    const named = new Map(backends.map(({ backend, servers }) => [backend, servers]));
    for (const backend of new Set([...this.#backends.keys(), ...named.keys()])) {
      this.#applyOne(backend, named.get(backend) ?? [], nowMs);
    }
  }

  /** Power off: its configuration names no servers of ours. */
  reset(): void {
    this.#backends.clear();
  }

  look(nowMs: number): readonly BackendView[] {
    return [...this.#backends].map(([backend, servers]) => {
      const queued = this.#spread(backend, servers, nowMs);
      const shown = [...servers.values()].map((server) => this.#shown(server));
      return { backend, exists: true, queued, servers: shown };
    });
  }

  /** True when it may send the member requests now. */
  sends(member: string): boolean {
    return [...this.#backends.values()].some(
      (servers) => servers.get(serverName(member))?.wanted.state === "ready",
    );
  }

  #applyOne(backend: string, wanted: readonly WantedServer[], nowMs: number): void {
    const before = this.#backends.get(backend) ?? new Map<string, Server>();
    const servers = new Map<string, Server>();
    for (const one of wanted) {
      const name = serverName(one.member);
      const known = before.get(name);
      const drains = one.state === "drain" ? (known?.drainsSinceMs ?? nowMs) : null;
      const sessions = one.state === "maint" ? 0 : (known?.sessions ?? 0);
      servers.set(name, { wanted: one, sessions, drainsSinceMs: drains });
    }
    this.#backends.set(backend, servers);
  }

  /** Returns how many wait because nobody has room for them. */
  #spread(backend: string, servers: ReadonlyMap<string, Server>, nowMs: number): number {
    const total = this.#demand(backend, nowMs);
    const ready = [...servers.values()].filter(({ wanted }) => wanted.state === "ready");
    for (const server of servers.values()) {
      const since = server.drainsSinceMs;
      if (since !== null && nowMs - since >= sessionMs) server.sessions = 0;
    }
    let waiting = total;
    for (const [index, server] of ready.entries()) {
      const most = server.wanted.connectionsMax ?? Number.POSITIVE_INFINITY;
      server.sessions = Math.min(most, Math.floor((total + index) / ready.length));
      waiting -= server.sessions;
    }
    return waiting;
  }

  #shown({ wanted, sessions }: Server): SwitchServer {
    const { member, ...place } = wanted;
    return { name: serverName(member), ...place, sessions, queued: 0 };
  }
}
