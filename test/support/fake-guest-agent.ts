import type { Socket } from "node:net";
import { LineServer } from "./line-server.ts";

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
  #server: LineServer | undefined;

  private constructor(path: string) {
    this.path = path;
  }

  static async listen(path: string): Promise<FakeGuestAgent> {
    const agent = new FakeGuestAgent(path);
    agent.#server = await LineServer.listen({
      path,
      closed: () => {
        agent.closed += 1;
      },
      line: (text, socket) => agent.#take(socket, text.slice(text.lastIndexOf("\xff") + 1)),
    });
    return agent;
  }

  send(bytes: Buffer | string): void {
    this.#server?.send(bytes);
  }

  hangUp(): void {
    this.#server?.hangUp();
  }

  async close(): Promise<void> {
    await this.#server?.close();
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
