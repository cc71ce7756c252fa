import { type IncomingMessage, request } from "node:http";
import { CommandFailedError, UnreachableError } from "./cli-error.ts";
import { parseAnswer } from "./parse-answer.ts";
import type { SocketPaths } from "./socket-paths.ts";

/** Longer than the agent itself waits for any verb, which it answers with 504 then. */
const ANSWER_WAIT_MS = 120_000;

/** No answer of an agent comes near: more is not from an agent. */
const ANSWER_BYTES_MAX = 64 * 2 ** 20;

/** Reasons to try the read socket: no permission for the operator's, or no such file. */
const NEXT_SOCKET_CODES = ["EACCES", "ENOENT", "ECONNREFUSED"];

interface Order {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: string;
}

/** The agent's sockets as the command uses them. Text from the agent is made safe to print. */
export class ApiClient {
  readonly #paths: SocketPaths;

  constructor(paths: SocketPaths) {
    this.#paths = paths;
  }

  get socketPath(): string {
    return this.#paths.socketPath;
  }

  /** Rejects with UnreachableError, or CommandFailedError with the agent's words. */
  async get<Answer>(path: string): Promise<Answer> {
    return answerOf(await this.#open({ method: "GET", path }));
  }

  /** `body` is sent as JSON, text as it is. Rejects like `get`. */
  async post<Answer>(path: string, body: unknown = {}): Promise<Answer> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return answerOf(await this.#open({ method: "POST", path, body: text }));
  }

  /** Calls `taken` with every server-sent event; resolves when the stream ends or `signal` says so. */
  async follow<Event>(
    path: string,
    taken: (event: Event) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const response = await this.#open({ method: "GET", path });
    if (response.statusCode !== 200) await answerOf(response);
    const stop = () => response.destroy();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    try {
      await readEvents(response, taken);
    } catch (error) {
      if (!signal.aborted) throw lost(error);
    }
  }

  async #open(order: Order): Promise<IncomingMessage> {
    const { socketPath, readSocketPath } = this.#paths;
    try {
      return await send(socketPath, order);
    } catch (error) {
      const code = codeOf(error);
      if (order.method === "GET" && NEXT_SOCKET_CODES.includes(code)) {
        // Of two failures the first names the socket that was asked for.
        return await send(readSocketPath, order).catch(() => {
          throw unreachable(socketPath, error);
        });
      }
      throw unreachable(socketPath, error);
    }
  }
}

function send(socketPath: string, { method, path, body }: Order): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers: Record<string, string | number> = { host: "localhost" };
    if (body !== undefined) headers["content-length"] = Buffer.byteLength(body);
    const options = { socketPath, path, method, headers, agent: false };
    const sent = request(options, (response) => {
      sent.setTimeout(0);
      resolve(response);
    });
    sent.setTimeout(ANSWER_WAIT_MS, () => {
      sent.destroy(
        new UnreachableError(`the agent at ${socketPath} does not answer: is it stopped?`),
      );
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

async function answerOf<Answer>(response: IncomingMessage): Promise<Answer> {
  const text = await readText(response);
  const value = parseAnswer(text);
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300 && value !== undefined) return value as Answer;
  throw new CommandFailedError(messageIn(value) ?? `the agent answered ${status} without words`);
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response) {
      const part = Buffer.from(chunk);
      bytes += part.length;
      if (bytes > ANSWER_BYTES_MAX) throw new CommandFailedError("the answer is too large");
      chunks.push(part);
    }
  } catch (error) {
    throw error instanceof CommandFailedError ? error : lost(error);
  }
  return Buffer.concat(chunks).toString();
}

async function readEvents<Event>(
  response: IncomingMessage,
  taken: (event: Event) => void,
): Promise<void> {
  let rest = "";
  response.setEncoding("utf8");
  for await (const chunk of response) {
    const parts = (rest + String(chunk)).split("\n\n");
    rest = (parts.pop() ?? "").slice(-ANSWER_BYTES_MAX);
    for (const part of parts) {
      const data = /^data: (.*)$/m.exec(part)?.[1];
      const value = data === undefined ? undefined : parseAnswer(data);
      if (value !== undefined) taken(value as Event);
    }
  }
}

function messageIn(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || !("error" in value)) return undefined;
  const { error } = value;
  if (typeof error !== "object" || error === null || !("message" in error)) return undefined;
  return String(error.message);
}

function unreachable(socketPath: string, cause: unknown): UnreachableError {
  if (cause instanceof UnreachableError) return cause;
  const code = codeOf(cause);
  if (code === "EACCES") {
    const message = `may not use ${socketPath}: run this as root (sudo), or as the agent's own user`;
    return new UnreachableError(message, { cause });
  }
  if (code === "ECONNRESET" || code === "EPIPE") return lost(cause);
  const message = `cannot reach the agent at ${socketPath}: is evenkeel.service running? Try: systemctl status evenkeel, or evenkeel doctor`;
  return new UnreachableError(message, { cause });
}

function lost(cause: unknown): UnreachableError {
  const message =
    "the agent closed the connection before its answer: see evenkeel status for what was done";
  return new UnreachableError(message, { cause });
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "";
}
