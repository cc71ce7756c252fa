import type { Socket } from "node:net";
import { LineServer } from "./line-server.ts";

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
  #server: LineServer | undefined;

  private constructor(path: string) {
    this.path = path;
  }

  static async listen(path: string): Promise<FakeQmpServer> {
    const server = new FakeQmpServer(path);
    server.#server = await LineServer.listen({
      path,
      connected: (socket) => {
        server.connections += 1;
        socket.write(server.greeting);
      },
      line: (text, socket) => {
        // The monitor speaks UTF-8.
        const line = Buffer.from(text, "latin1").toString("utf8");
        server.#answer(socket, JSON.parse(line));
      },
    });
    return server;
  }

  /** Sends raw text to the client. */
  send(text: string): void {
    this.#server?.send(text);
  }

  /** Ends the connection, as a QEMU does that dies. */
  hangUp(): void {
    this.#server?.hangUp();
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }

  #answer(socket: Socket, command: Command): void {
    this.commands.push(command);
    const answer = this.answers.get(command.execute);
    if (answer !== undefined) socket.write(`${JSON.stringify({ ...answer, id: command.id })}\r\n`);
  }
}
