import { rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { isMemoryStream } from "#agent/channel/stream-kind.ts";
import type { IncomingDoor } from "#agent/ports/channel.ts";

/** What the pipe does once `afterBytes` have passed towards the target. */
export interface PipeFault {
  readonly afterBytes: number;
  /** `cut` ends both sides; `hold` keeps them open and passes nothing more. */
  readonly act: "cut" | "hold";
}

/**
 * The migration channel of the contract suite: listens on one UNIX socket and leads each connection
 * to another, byte by byte in both directions, until told to break.
 */
export class BytePipe {
  readonly path: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  passedBytes = 0;
  #held = false;

  private constructor(path: string, door: IncomingDoor, fault: PipeFault | undefined) {
    this.path = path;
    this.#server = createServer((near) => {
      if (door.controlPath === undefined) this.#lead(near, connect(door.socketPath), fault);
      else this.#leadByKind(near, { ...door, controlPath: door.controlPath }, fault);
    });
  }

  static async open(path: string, door: IncomingDoor, fault?: PipeFault): Promise<BytePipe> {
    rmSync(path, { force: true });
    const pipe = new BytePipe(path, door, fault);
    await new Promise<void>((resolve, reject) => {
      pipe.#server.once("error", reject);
      pipe.#server.listen(path, resolve);
    });
    return pipe;
  }

  /** Breaks the connection at once, as a channel process does that is killed. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  /** As the channel does where the hypervisor has a daemon. */
  #leadByKind(
    near: Socket,
    door: IncomingDoor & { readonly controlPath: string },
    fault: PipeFault | undefined,
  ): void {
    near.once("readable", () => {
      const first: Buffer | null = near.read();
      if (first === null) return;
      near.unshift(first);
      const path = isMemoryStream(first) ? door.socketPath : door.controlPath;
      this.#lead(near, connect(path), fault);
    });
    near.on("error", () => near.destroy());
  }

  #lead(near: Socket, far: Socket, fault: PipeFault | undefined): void {
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on("error", () => this.#end(near, far));
      socket.on("close", () => this.#end(near, far));
    }
    far.on("data", (chunk) => near.write(chunk));
    near.on("data", (chunk) => {
      if (this.#held) return;
      this.passedBytes += chunk.length;
      if (!far.write(chunk)) {
        near.pause();
        far.once("drain", () => near.resume());
      }
      if (fault !== undefined && this.passedBytes >= fault.afterBytes) this.#break(near, fault);
    });
  }

  #break(near: Socket, fault: PipeFault): void {
    if (fault.act === "cut") {
      this.cut();
      return;
    }
    this.#held = true;
    near.pause();
  }

  #end(near: Socket, far: Socket): void {
    for (const socket of [near, far]) {
      this.#sockets.delete(socket);
      if (!socket.destroyed) socket.destroySoon();
    }
  }
}
