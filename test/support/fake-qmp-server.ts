import { createServer, type Server, type Socket } from "node:net";

interface Command {
  readonly execute: string;
  readonly arguments?: unknown;
  readonly id: number;
}

/** A QEMU monitor on a UNIX socket that answers as a test tells it to. */
export class FakeQmpServer {
  readonly path: string;
  readonly commands: Command[] = [];
  /** Answers of later commands by name; a command without one is never answered. */
  readonly answers = new Map<string, object>([["qmp_capabilities", { return: {} }]]);
  greeting = '{"QMP": {"version": {}, "capabilities": []}}\n';
  connections = 0;
  #client: Socket | undefined;
  readonly #server: Server;

  private constructor(path: string) {
    this.path = path;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async listen(path: string): Promise<FakeQmpServer> {
    const server = new FakeQmpServer(path);
    await new Promise<void>((resolve) => server.#server.listen(path, resolve));
    return server;
  }

  /** Sends raw text to the client. */
  send(text: string): void {
    this.#client?.write(text);
  }

  /** Ends the connection, as a QEMU does that dies. */
  hangUp(): void {
    this.#client?.destroy();
  }

  async close(): Promise<void> {
    this.hangUp();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.connections += 1;
    this.#client = socket;
    socket.on("error", () => {});
    socket.write(this.greeting);
    let rest = "";
    socket.on("data", (chunk) => {
      const lines = (rest + chunk.toString("utf8")).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#answer(socket, JSON.parse(line));
    });
  }

  #answer(socket: Socket, command: Command): void {
    this.commands.push(command);
    const answer = this.answers.get(command.execute);
    if (answer !== undefined) socket.write(`${JSON.stringify({ ...answer, id: command.id })}\r\n`);
  }
}
