import type { Switch } from "#agent/ports/switch.ts";
import { backendObjection, commandObjection } from "#agent/switch/command-text.ts";
import { SwitchError, type SwitchErrorCode } from "#agent/switch/switch-error.ts";
import { sortedBy } from "#lib/base/ordered.ts";
import type { BackendView, SwitchCommand, SwitchServer } from "#lib/model/switch.ts";
import { isOwnServer } from "#lib/services/switch-plan.ts";

type Server = { -readonly [Field in keyof SwitchServer]: SwitchServer[Field] } & {
  /** Sessions given so far; with the weight it says whose turn is next. */
  served: number;
  connectionsMax: number | null;
};

const newServer = { sessions: 0, queued: 0, served: 0, connectionsMax: null } as const;

interface Backend {
  readonly isDynamic: boolean;
  servers: Map<string, Server>;
  /** Requests for which no server had room, the oldest first. */
  readonly waiting: ((session: MemorySession) => void)[];
}

export interface MemorySession {
  readonly server: string;
  finish(): void;
}

/** A switch that is nothing but a table: the twin of HAProxy, for tests and to play failures. */
export class MemorySwitch implements Switch {
  readonly place = "memory switch";
  /** Every command that was performed, in order. */
  readonly performed: SwitchCommand[] = [];
  /** Every command that was tried, in order. */
  readonly attempted: SwitchCommand[] = [];
  /** What a command fails with, by itself. */
  refuse: (command: SwitchCommand) => SwitchErrorCode | null = () => null;
  /** Observations so far. */
  looks = 0;
  /** What the next calls fail with, until it is taken away. */
  failure: SwitchErrorCode | null = null;
  readonly #backends = new Map<string, Backend>();

  addBackend(name: string, isDynamic = true): void {
    this.#backends.set(name, { isDynamic, servers: new Map(), waiting: [] });
  }

  /** A server of the admin's own, as a line of haproxy.cfg makes it. */
  addFixedServer(backend: string, name: string): void {
    const server = { name, address: "192.0.2.1", port: 80, weight: 1, ...newServer };
    this.#backends.get(backend)?.servers.set(name, { ...server, state: "ready" });
  }

  /** As after `systemctl restart`: what was added at run time is gone. */
  restart(): void {
    for (const backend of this.#backends.values()) backend.servers = new Map();
  }

  /** A request comes in, and waits where all servers are full; null when there is none to take it. */
  request(backendName: string): Promise<MemorySession | null> {
    const backend = this.#backends.get(backendName);
    const session = this.open(backendName);
    const isFull = [...(backend?.servers.values() ?? [])].some(isAble);
    if (session !== null || !backend || !isFull) return Promise.resolve(session);
    return new Promise((resolve) => backend.waiting.push(resolve));
  }

  /** A request comes in; null when no server takes it at once. */
  open(backendName: string): MemorySession | null {
    const servers = [...(this.#backends.get(backendName)?.servers.values() ?? [])];
    const able = servers.filter((server) => isAble(server) && hasRoom(server));
    const turn = (server: Server) => (server.served + 1) / server.weight;
    const [server] = able.sort((a, b) => turn(a) - turn(b));
    if (server === undefined) return null;
    server.served += 1;
    server.sessions += 1;
    return {
      server: server.name,
      finish: () => {
        server.sessions -= 1;
        this.#letIn(backendName);
      },
    };
  }

  async observe(backends: readonly string[], signal: AbortSignal): Promise<BackendView[]> {
    this.looks += 1;
    this.#answers("observe", signal);
    return backends.map((name) => {
      const objection = backendObjection(name);
      if (objection) throw this.#error("BAD_COMMAND", objection);
      const backend = this.#backends.get(name);
      const servers = [...(backend?.servers.values() ?? [])].map(({ served: _, ...seen }) => seen);
      return {
        backend: name,
        exists: backend !== undefined,
        queued: backend?.waiting.length ?? 0,
        servers: sortedBy(servers, (server) => server.name),
      };
    });
  }

  async ownBackends(signal: AbortSignal): Promise<string[]> {
    this.#answers("ownBackends", signal);
    const own = [...this.#backends].filter(([, { servers }]) =>
      [...servers.keys()].some(isOwnServer),
    );
    return own.map(([name]) => name).sort();
  }

  async perform(command: SwitchCommand, signal: AbortSignal): Promise<void> {
    const where = `${command.backend}/${command.server}: ${command.act}`;
    this.attempted.push(command);
    this.#answers(where, signal);
    const refusal = this.refuse(command);
    if (refusal) throw this.#error(refusal, where);
    const objection = commandObjection(command);
    if (objection) throw this.#error("BAD_COMMAND", objection);
    const backend = this.#backends.get(command.backend);
    if (backend === undefined) throw this.#error("BACKEND_ABSENT", where);
    if (command.act === "add") this.#add(backend, command);
    else this.#change(backend, command);
    this.performed.push(command);
    this.#letIn(command.backend);
  }

  #letIn(backendName: string): void {
    const waiting = this.#backends.get(backendName)?.waiting ?? [];
    while (waiting.length > 0) {
      const session = this.open(backendName);
      if (session === null) return;
      waiting.shift()?.(session);
    }
  }

  #add(backend: Backend, command: SwitchCommand & { act: "add" }): void {
    const { server: name, address, port, weight, connectionsMax } = command;
    if (!backend.isDynamic) throw this.#error("BACKEND_STATIC", command.backend);
    if (backend.servers.has(name)) throw this.#error("SERVER_EXISTS", name);
    const place = { name, address, port, weight };
    backend.servers.set(name, { ...newServer, ...place, connectionsMax, state: "maint" });
  }

  #change(backend: Backend, command: Exclude<SwitchCommand, { act: "add" }>): void {
    // Turns begin anew, as in HAProxy: nobody catches up on what it was not there for.
    for (const other of backend.servers.values()) other.served = 0;
    const server = backend.servers.get(command.server);
    if (server === undefined) throw this.#error("SERVER_ABSENT", command.server);
    switch (command.act) {
      case "address":
        server.address = command.address;
        server.port = command.port;
        return;
      case "weight":
        server.weight = command.weight;
        return;
      case "connections":
        server.connectionsMax = command.connectionsMax;
        return;
      case "remove":
        if (server.state !== "maint") throw this.#error("SERVER_STATE", server.name);
        if (server.sessions > 0) throw this.#error("SERVER_BUSY", server.name);
        backend.servers.delete(server.name);
        return;
      default:
        server.state = command.act;
    }
  }

  #answers(what: string, signal: AbortSignal): void {
    if (signal.aborted) throw this.#error("ABORTED", what);
    if (this.failure !== null) throw this.#error(this.failure, what);
  }

  #error(code: SwitchErrorCode, words: string): SwitchError {
    return new SwitchError(`${this.place}: ${words}: ${code}`, { code });
  }
}

function isAble({ state, weight }: Server): boolean {
  return state === "ready" && weight > 0;
}

function hasRoom({ connectionsMax, sessions }: Server): boolean {
  return connectionsMax === null || sessions < connectionsMax;
}
