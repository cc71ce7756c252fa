import { Agent, request } from "node:http";
import type { RequestSender } from "../../scripts/load/request-load.ts";

/** What became of one request through a switch. */
export interface FrontEnd {
  /** When it was sent, by performance.now(). */
  readonly sentAtMs: number;
  readonly tookMs: number;
  /** "" for an answer of status 200, else what went wrong, in one word. */
  readonly loss: string;
  /** The server that answered, or that the switch tried last; "" where none is known. */
  readonly server: string;
}

/** Longer than HAProxy itself waits for a server: what is lost is lost by the switch's word. */
const LIMIT_MS = 40_000;
const STATUS_OK = 200;

/** Asks through a FrontSwitch over connections that are kept, and keeps what became of each request. */
export class FrontSender implements RequestSender {
  readonly limitMs = LIMIT_MS;
  readonly ends: FrontEnd[] = [];
  readonly #socketPath: string;
  readonly #path: string;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(socketPath: string, path = "/") {
    this.#socketPath = socketPath;
    this.#path = path;
  }

  /** Never rejects: "" for a good answer. */
  send(): Promise<string> {
    const sentAtMs = performance.now();
    return new Promise((settle) => {
      let server = "";
      const end = (loss: string) => {
        this.ends.push({ sentAtMs, tookMs: performance.now() - sentAtMs, loss, server });
        settle(loss);
      };
      const [socketPath, path, agent] = [this.#socketPath, this.#path, this.#agent];
      const sent = request({ socketPath, path, agent, timeout: this.limitMs }, (response) => {
        const { statusCode = 0, headers } = response;
        server = String(headers["x-server"] ?? "");
        response.resume();
        response.once("error", () => end("cut"));
        response.once("end", () => end(statusCode === STATUS_OK ? "" : `status-${statusCode}`));
      });
      sent.once("timeout", () => sent.destroy(new Error("timeout")));
      sent.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
      sent.end();
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
