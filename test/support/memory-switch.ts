import type { Switch } from "#agent/ports/switch.ts";
import { backendObjection, commandObjection } from "#agent/switch/command-text.ts";
import { SwitchError, type SwitchErrorCode } from "#agent/switch/switch-error.ts";
import { sortedBy } from "#lib/base/ordered.ts";
import type { BackendView, SwitchCommand, SwitchServer } from "#lib/model/switch.ts";

type Server = { -readonly [Field in keyof SwitchServer]: SwitchServer[Field] } & {
  /** Sessions given so far; with the weight it says whose turn is next. */
  served: number;
};

interface Backend {
  readonly isDynamic: boolean;
  servers: Map<string, Server>;
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
    this.#backends.set(name, { isDynamic, servers: new Map() });
  }

  /** A server of the admin's own, as a line of haproxy.cfg makes it. */
  addFixedServer(backend: string, name: string): void {
    const server = { name, address: "192.0.2.1", port: 80, weight: 1, sessions: 0, served: 0 };
    this.#backends.get(backend)?.servers.set(name, { ...server, state: "ready" });
  }

  /** As after `systemctl restart`: what was added at run time is gone. */
  restart(): void {
    for (const backend of this.#backends.values()) backend.servers = new Map();
  }

  /** A request comes in; null when no server takes it. */
  open(backendName: string): MemorySession | null {
    const servers = [...(this.#backends.get(backendName)?.servers.values() ?? [])];
    const able = servers.filter(({ state, weight }) => state === "ready" && weight > 0);
    const turn = (server: Server) => (server.served + 1) / server.weight;
    const [server] = able.sort((a, b) => turn(a) - turn(b));
    if (server === undefined) return null;
    server.served += 1;
    server.sessions += 1;
    return {
      server: server.name,
      finish: () => {
        server.sessions -= 1;
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
        queued: 0,
        servers: sortedBy(servers, (server) => server.name),
      };
    });
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
  }

  #add(backend: Backend, command: SwitchCommand & { act: "add" }): void {
    const { server: name, address, port, weight } = command;
    if (!backend.isDynamic) throw this.#error("BACKEND_STATIC", command.backend);
    if (backend.servers.has(name)) throw this.#error("SERVER_EXISTS", name);
    const counts = { sessions: 0, served: 0 };
    backend.servers.set(name, { name, address, port, weight, state: "maint", ...counts });
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
