import { connect, type Socket } from "node:net";
import type { Clock } from "#agent/ports/clock.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { QmpLines, type QmpMessage } from "./qmp-lines.ts";

/** Longest wait for one answer; `query-*` answers within ms unless QEMU itself is stuck. */
const COMMAND_TIMEOUT_MS = 5_000;
/** Longest wait for QEMU's greeting: it serves one client at a time and queues the next. */
const GREETING_TIMEOUT_MS = 3_000;
/** Commands under way at once; more is a bug or a QEMU that no longer answers. */
const PENDING_MAX = 64;

export interface QmpEvent {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface QmpClientOptions {
  readonly path: string;
  /** For error messages. */
  readonly vm: string;
  readonly clock: Clock;
  readonly event: (event: QmpEvent) => void;
  /** The connection ended, for whatever reason; the next command connects anew. */
  readonly closed: () => void;
  readonly commandTimeoutMs?: number;
}

interface Pending {
  readonly command: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: HypervisorError) => void;
  readonly forget: () => void;
}

/**
 * One client of a QEMU monitor (docs/interop/qmp-spec). Connects when first used and again after
 * the connection was lost; each command carries an id and has a time limit.
 */
export class QmpClient {
  readonly #options: QmpClientOptions;
  readonly #pending = new Map<number, Pending>();
  #socket: Promise<Socket> | undefined;
  #open: Socket | undefined;
  #closed = false;
  #nextId = 1;

  constructor(options: QmpClientOptions) {
    this.#options = options;
  }

  /** Runs one command. Rejects with COMMAND_FAILED (QEMU's words), TIMED_OUT or VM_PROCESS. */
  async execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    const socket = await this.connected();
    return this.#request(socket, command, args);
  }

  /** Resolves when QEMU has greeted and accepted us. */
  connected(): Promise<Socket> {
    this.#socket ??= this.#connect().catch((error: unknown) => {
      this.#socket = undefined;
      throw error;
    });
    return this.#socket;
  }

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** Lets go of the monitor for good, so that another agent may have it. */
  close(): void {
    this.#closed = true;
    this.#open?.destroy();
  }

  async #connect(): Promise<Socket> {
    const { path, vm } = this.#options;
    if (this.#closed) {
      throw new HypervisorError(`QEMU monitor of VM ${vm}: let go of`, { code: "VM_PROCESS" });
    }
    const socket = connect(path);
    let greeted: () => void = () => {};
    const greeting = new Promise<void>((resolve) => {
      greeted = resolve;
    });
    const lines = new QmpLines((message) => {
      if (message.type === "greeting") greeted();
      else this.#take(message);
    });
    socket.on("data", (chunk) => {
      if (!lines.push(chunk)) socket.destroy(new Error("the monitor sent what is not QMP"));
    });
    try {
      await this.#greeted(socket, greeting);
      socket.on("close", () => this.#lost());
      this.#open = socket;
      await this.#request(socket, "qmp_capabilities");
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return socket;
  }

  #greeted(socket: Socket, greeting: Promise<void>): Promise<void> {
    const { vm, clock } = this.#options;
    return new Promise<void>((resolve, reject) => {
      const fail = (code: "TIMED_OUT" | "VM_PROCESS", why: string, cause?: unknown) => {
        forget();
        reject(new HypervisorError(`QEMU monitor of VM ${vm}: ${why}`, { code, cause }));
      };
      const forget = clock.after(GREETING_TIMEOUT_MS, () =>
        fail("TIMED_OUT", "no greeting: is another client connected to it?"),
      );
      socket.on("error", (cause) => fail("VM_PROCESS", "cannot be reached", cause));
      socket.on("close", () => fail("VM_PROCESS", "closed before its greeting"));
      greeting.then(() => {
        forget();
        resolve();
      }, reject);
    });
  }

  #request(socket: Socket, command: string, args?: object): Promise<unknown> {
    const { vm, clock, commandTimeoutMs = COMMAND_TIMEOUT_MS } = this.#options;
    return new Promise((resolve, reject) => {
      if (this.#pending.size >= PENDING_MAX || socket.destroyed) {
        const why = socket.destroyed ? "its monitor is closed" : "too many commands wait";
        reject(new HypervisorError(`${command} on VM ${vm}: ${why}`, { code: "VM_PROCESS" }));
        return;
      }
      const id = this.#nextId++;
      const forget = clock.after(commandTimeoutMs, () => {
        this.#pending.delete(id);
        const words = `${command} on VM ${vm}: no answer from QEMU within ${commandTimeoutMs} ms`;
        reject(new HypervisorError(words, { code: "TIMED_OUT" }));
      });
      this.#pending.set(id, { command, resolve, reject, forget });
      socket.write(
        `${JSON.stringify({ execute: command, id, ...(args && { arguments: args }) })}\n`,
      );
    });
  }

  #take(message: Exclude<QmpMessage, { type: "greeting" }>): void {
    if (message.type === "event") {
      this.#options.event({ name: message.name, data: message.data });
      return;
    }
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    this.#pending.delete(message.id);
    pending.forget();
    if (message.type === "return") {
      pending.resolve(message.value);
      return;
    }
    const words = `${pending.command} on VM ${this.#options.vm}: ${message.description}`;
    pending.reject(new HypervisorError(words, { code: "COMMAND_FAILED" }));
  }

  #lost(): void {
    this.#socket = undefined;
    this.#open = undefined;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { command, reject, forget } of pending) {
      forget();
      const words = `${command} on VM ${this.#options.vm}: QEMU closed its monitor`;
      reject(new HypervisorError(words, { code: "VM_PROCESS" }));
    }
    this.#options.closed();
  }
}
