import { Agent, type IncomingMessage, request } from "node:http";

/** Where a server is reached. */
export type HttpPlace =
  | { readonly socketPath: string }
  | { readonly host: string; readonly port: number };

export interface HttpSenderOptions {
  readonly place: HttpPlace;
  readonly path?: string;
  /** Connections kept and used again, as browsers do, or a fresh one for each request. */
  readonly connections: "kept" | "fresh";
  /** A request that has no whole answer after this is lost, counted from the call. */
  readonly limitMs: number;
}

const STATUS_OK = 200;

/** Asks a server, one request a call. */
export class HttpSender {
  readonly #options: HttpSenderOptions;
  /** Without a bound of its own: a request that waits here for a connection would be late for no fault of the server. */
  readonly #agent: Agent | undefined;

  constructor(options: HttpSenderOptions) {
    this.#options = options;
    this.#agent = options.connections === "kept" ? new Agent({ keepAlive: true }) : undefined;
  }

  /** Never rejects: "" for an answer of status 200 in time, else what went wrong, in one word. */
  send(): Promise<string> {
    const { place, path = "/", limitMs } = this.#options;
    return new Promise((settle) => {
      const sent = request({ ...place, path, agent: this.#agent ?? false });
      const timer = setTimeout(() => end("timeout"), limitMs);
      const end = (loss: string) => {
        clearTimeout(timer);
        settle(loss);
        if (loss === "timeout") sent.destroy();
      };
      sent.on("error", (error) => end(lossOf(error)));
      sent.on("response", (response: IncomingMessage) => {
        const { statusCode = 0 } = response;
        response.on("error", (error) => end(lossOf(error)));
        response.on("close", () => end("cut"));
        response.on("end", () => end(statusCode === STATUS_OK ? "" : `status-${statusCode}`));
        response.resume();
      });
      sent.end();
    });
  }

  /** Ends the kept connections. */
  close(): void {
    this.#agent?.destroy();
  }
}

/** The system's word for it, as "ECONNREFUSED"; those who count have no use for a sentence. */
function lossOf(error: NodeJS.ErrnoException): string {
  return error.code ?? "error";
}
