import { createServer, type Server, type Socket } from "node:net";

export interface LineServerOptions {
  readonly path: string;
  readonly connected?: (socket: Socket) => void;
  readonly closed?: () => void;
  /** A whole line of a client's, byte by byte as a character each. */
  readonly line: (text: string, socket: Socket) => void;
}

/** A UNIX socket that hands on what its client writes, line by line. */
export class LineServer {
  readonly path: string;
  readonly #options: LineServerOptions;
  readonly #server: Server;
  #client: Socket | undefined;

  private constructor(options: LineServerOptions) {
    this.path = options.path;
    this.#options = options;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async listen(options: LineServerOptions): Promise<LineServer> {
    const server = new LineServer(options);
    await new Promise<void>((resolve) => server.#server.listen(options.path, resolve));
    return server;
  }

  /** Sends raw bytes to the client that came last. */
  send(bytes: Buffer | string): void {
    this.#client?.write(bytes);
  }

  /** Ends the connection, as a program does that dies. */
  hangUp(): void {
    this.#client?.destroy();
  }

  async close(): Promise<void> {
    this.hangUp();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    const { connected, closed, line } = this.#options;
    this.#client = socket;
    socket.on("error", () => {});
    if (closed) socket.on("close", closed);
    connected?.(socket);
    let rest = "";
    socket.on("data", (chunk) => {
      const lines = (rest + chunk.toString("latin1")).split("\n");
      rest = lines.pop() ?? "";
      for (const text of lines) line(text, socket);
    });
  }
}
