import { connect, type Socket } from "node:net";
import type { Clock } from "../ports/clock.ts";
import { SwitchError, type SwitchErrorCode } from "./switch-error.ts";

/** Longest wait for a whole answer; HAProxy answers within ms unless it is stuck or stopped. */
const ANSWER_TIMEOUT_MS = 3_000;
/** Largest answer: 4096 servers of 700 bytes, and then some. */
const ANSWER_BYTES_MAX = 4 << 20;
/** No command of ours is as long; HAProxy's own line ends at 16 kB. */
const COMMAND_LENGTH_MAX = 1024;
/** Printable ASCII without `;`, which would begin a second command, and `\`, which would escape. */
const commandPattern = /^[\x20-\x3a\x3c-\x5b\x5d-\x7e]+$/;

/** How much of a command an error shows. */
const SHOWN_LENGTH_MAX = 120;

/** What the operating system says when the socket cannot be opened, and what to do about it. */
const OPEN_FAILURES: Readonly<Record<string, readonly [SwitchErrorCode, string]>> = {
  ENOENT: [
    "SWITCH_ABSENT",
    "there is no such socket: is HAProxy running, with `stats socket PATH level admin` in the global section of haproxy.cfg?",
  ],
  ECONNREFUSED: ["SWITCH_ABSENT", "nobody answers at it: is HAProxy running?"],
  EACCES: [
    "SWITCH_REFUSED",
    "the socket may not be opened: give the agent's group access, as in `stats socket PATH mode 660 group evenkeel level admin`",
  ],
  ENOTSOCK: ["SWITCH_REFUSED", "it is no UNIX socket: correct the path in the configuration"],
};

export interface HaproxySocketOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly answerTimeoutMs?: number;
  readonly answerBytesMax?: number;
}

/** HAProxy's runtime API: one command a connection, which HAProxy closes after its answer. */
export class HaproxySocket {
  readonly path: string;
  readonly #options: HaproxySocketOptions;

  constructor(options: HaproxySocketOptions) {
    this.path = options.path;
    this.#options = options;
  }

  /** The whole answer to one command. Rejects with SwitchError. */
  ask(command: string, signal: AbortSignal): Promise<string> {
    const { path, clock, answerTimeoutMs = ANSWER_TIMEOUT_MS } = this.#options;
    return new Promise((resolve, reject) => {
      const objection = this.#objectionTo(command, signal);
      if (objection !== undefined) {
        reject(objection);
        return;
      }
      const socket = connect(path);
      const finish = (end: () => void): void => {
        forget();
        signal.removeEventListener("abort", abort);
        socket.destroy();
        end();
      };
      const fail = (error: SwitchError): void => finish(() => reject(error));
      const abort = (): void => fail(this.#error("ABORTED", command, "given up"));
      const forget = clock.after(answerTimeoutMs, () => {
        const words = `no whole answer within ${answerTimeoutMs} ms: is HAProxy stopped, or are all connections of its socket taken?`;
        fail(this.#error("SWITCH_SILENT", command, words));
      });
      signal.addEventListener("abort", abort, { once: true });
      this.#collect(socket, command, (result) => {
        if (typeof result === "string") finish(() => resolve(result));
        else fail(result);
      });
      socket.write(`${command}\n`);
    });
  }

  /** Calls `end` with the whole answer or what went wrong, perhaps more than once: the first counts. */
  #collect(socket: Socket, command: string, end: (result: string | SwitchError) => void): void {
    const { answerBytesMax = ANSWER_BYTES_MAX } = this.#options;
    const parts: Buffer[] = [];
    let bytes = 0;
    const nothing = (): void =>
      end(this.#error("SWITCH_ANSWER", command, "no answer at all: did HAProxy just end?"));
    socket.on("error", (cause) => end(this.#openError(command, cause)));
    socket.on("data", (chunk) => {
      bytes += chunk.length;
      parts.push(chunk);
      if (bytes <= answerBytesMax) return;
      const words = `its answer is longer than ${answerBytesMax} bytes: is it HAProxy's admin socket?`;
      end(this.#error("SWITCH_ANSWER", command, words));
    });
    // Even a command that is done without a word is answered with an empty line.
    socket.on("end", () => {
      if (bytes === 0) nothing();
      else end(Buffer.concat(parts).toString("latin1"));
    });
    socket.on("close", nothing);
  }

  #objectionTo(command: string, signal: AbortSignal): SwitchError | undefined {
    if (signal.aborted) return this.#error("ABORTED", command, "given up before it was asked");
    const isOneLine = command.length <= COMMAND_LENGTH_MAX && commandPattern.test(command);
    if (isOneLine) return undefined;
    return this.#error("BAD_COMMAND", command, "not sent, as it is not one plain line");
  }

  #openError(command: string, cause: Error): SwitchError {
    const errno = String((cause as NodeJS.ErrnoException).code);
    const [code, words] = OPEN_FAILURES[errno] ?? ["SWITCH_ABSENT", `failed (${errno})`];
    return this.#error(code, command, words, cause);
  }

  #error(code: SwitchErrorCode, command: string, words: string, cause?: unknown): SwitchError {
    const asked = JSON.stringify(command.slice(0, SHOWN_LENGTH_MAX));
    return new SwitchError(`HAProxy socket ${this.path}: ${asked}: ${words}`, { code, cause });
  }
}
