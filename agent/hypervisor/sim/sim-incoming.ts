import { rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { MoveId, VmName } from "#lib/model/ids.ts";
import type { GuestMemory } from "#lib/simulation/sim-host.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { frameKinds, readFrames, writeFrame } from "./stream-frames.ts";

export interface SimIncomingOptions {
  readonly moveId: MoveId;
  readonly vm: VmName;
  readonly socketPath: string;
  /** False once the copy that waits is gone. */
  readonly waits: () => boolean;
  readonly received: (memory: GuestMemory) => void;
  readonly failed: () => void;
}

/** The target's end of one simulated migration: takes one connection, then the guest's memory. */
export class SimIncoming {
  readonly #options: SimIncomingOptions;
  readonly #server: Server;
  readonly #ended = Promise.withResolvers<void>();
  #socket: Socket | undefined;
  #arrivedBytes = 0;
  #complete = false;

  constructor(options: SimIncomingOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#take(socket));
    // Nobody may be waiting when it fails.
    this.#ended.promise.catch(() => {});
  }

  get moveId(): MoveId {
    return this.#options.moveId;
  }

  get vm(): VmName {
    return this.#options.vm;
  }

  async listen(): Promise<void> {
    const { socketPath, vm } = this.#options;
    rmSync(socketPath, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (cause) =>
        reject(
          new HypervisorError(
            `VM ${vm}: ${socketPath} cannot be listened on: ${cause.message}; ` +
              "give the agent a shorter state directory that it may write to",
            { code: "VM_SPEC", cause },
          ),
        ),
      );
      this.#server.listen(socketPath, resolve);
    });
  }

  /** Resolves when the copy is whole; rejects with HypervisorError when the stream failed. */
  ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Ends the stream; a copy that is not whole fails. */
  close(): void {
    this.#server.close();
    this.#socket?.destroy();
    this.#fail("the stream was closed");
  }

  #take(socket: Socket): void {
    if (this.#socket) {
      socket.destroy();
      return;
    }
    this.#socket = socket;
    this.#server.close();
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#fail("the stream broke off"));
    readFrames(socket, ({ kind, body }) => {
      if (!this.#complete && !this.#options.waits()) socket.destroy();
      else if (kind === frameKinds.memory) this.#arrived(socket, body.length);
      else if (kind === frameKinds.state) this.#finish(socket, body);
    });
  }

  #arrived(socket: Socket, bytes: number): void {
    this.#arrivedBytes += bytes;
    const body = Buffer.alloc(8);
    body.writeDoubleBE(this.#arrivedBytes, 0);
    writeFrame(socket, frameKinds.arrived, body);
  }

  #finish(socket: Socket, body: Buffer): void {
    const memory = readMemory(body);
    if (memory === undefined) {
      socket.destroy();
      return;
    }
    this.#complete = true;
    this.#options.received(memory);
    this.#ended.resolve();
    writeFrame(socket, frameKinds.complete);
  }

  #fail(why: string): void {
    if (this.#complete) return;
    this.#complete = true;
    this.#options.failed();
    const { vm } = this.#options;
    this.#ended.reject(
      new HypervisorError(`VM ${vm} did not arrive: ${why}`, { code: "MIGRATION_FAILED" }),
    );
  }
}

function readMemory(body: Buffer): GuestMemory | undefined {
  try {
    const { boot, ranMs } = JSON.parse(body.toString("utf8"));
    return typeof boot === "string" && Number.isFinite(ranMs) ? { boot, ranMs } : undefined;
  } catch {
    return undefined;
  }
}
