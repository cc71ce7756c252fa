import { createServer, type Server, type Socket } from "node:net";

interface Command {
  readonly execute: string;
  readonly id: number;
  readonly time: string | undefined;
}

/** The host's end of a guest agent's port, with a guest behind it that does as a test tells it. */
export class FakeGuestAgent {
  readonly path: string;
  readonly commands: Command[] = [];
  /** What comes back for each command; undefined for silence. */
  reply: (command: Command) => Buffer | string | undefined = wellBehaved;
  /** Times that a client's end was seen closed. */
  closed = 0;
  #client: Socket | undefined;
  readonly #server: Server;

  private constructor(path: string) {
    this.path = path;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async listen(path: string): Promise<FakeGuestAgent> {
    const agent = new FakeGuestAgent(path);
    await new Promise<void>((resolve) => agent.#server.listen(path, resolve));
    return agent;
  }

  send(bytes: Buffer | string): void {
    this.#client?.write(bytes);
  }

  hangUp(): void {
    this.#client?.destroy();
  }

  async close(): Promise<void> {
    this.hangUp();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.#client = socket;
    socket.on("error", () => {});
    socket.on("close", () => {
      this.closed += 1;
    });
    let rest = "";
    socket.on("data", (chunk) => {
      const lines = (rest + chunk.toString("latin1")).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(socket, line.slice(line.lastIndexOf("\xff") + 1));
    });
  }

  #take(socket: Socket, line: string): void {
    const parsed = JSON.parse(line);
    const command = {
      execute: parsed.execute,
      id: parsed.arguments.id,
      // As it was written: a number of JavaScript would round it.
      time: /"time":(\d+)/.exec(line)?.[1],
    };
    this.commands.push(command);
    const reply = this.reply(command);
    if (reply !== undefined) socket.write(reply);
  }
}

/** As QEMU's agent answers. */
export function wellBehaved({ execute, id }: Command): Buffer | string {
  if (execute !== "guest-sync-delimited") return '{"return": {}}\n';
  return Buffer.concat([Buffer.from([0xff]), Buffer.from(`{"return": ${id}}\n`)]);
}
