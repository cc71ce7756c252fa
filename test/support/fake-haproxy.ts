import { createServer, type Server, type Socket } from "node:net";

/** What a fake HAProxy does with a connection once it has read the command. */
export type Behaviour = (socket: Socket, command: string) => void;

/** An admin socket that answers as a test tells it to. */
export class FakeHaproxy {
  readonly path: string;
  readonly commands: string[] = [];
  behaviour: Behaviour = (socket) => socket.end("\n");
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(path: string) {
    this.path = path;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => {});
      socket.once("data", (chunk) => {
        const command = chunk.toString("latin1").trimEnd();
        this.commands.push(command);
        this.behaviour(socket, command);
      });
    });
  }

  static async listen(path: string): Promise<FakeHaproxy> {
    const fake = new FakeHaproxy(path);
    await new Promise<void>((resolve) => fake.#server.listen(path, resolve));
    return fake;
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Answers every command with this text and ends, as HAProxy does. */
export function saying(text: string | Buffer): Behaviour {
  return (socket) => socket.end(text);
}

/** Writes this text for as long as the other side takes it. */
export function sayingForEver(text: string): Behaviour {
  return (socket) => {
    const write = (): void => {
      while (!socket.destroyed && socket.write(text));
    };
    socket.on("drain", write);
    write();
  };
}
