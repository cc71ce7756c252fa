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

/** What the operating system says when the socket cannot be opened, and what to do about it. */
const OPEN_FAILURES: Readonly<Record<string, readonly [SwitchErrorCode, string]>> = {
  ENOENT: [
    "SWITCH_ABSENT",
    "there is no such socket: is HAProxy running, with `stats socket PATH level admin` in the global section of haproxy.cfg?",
  ],
  ECONNREFUSED: ["SWITCH_ABSENT", "nobody answers at it: is HAProxy running?"],
  EACCES: [
    "SWITCH_REFUSED",
    "may not be opened: give the agent's group access, as in `stats socket PATH mode 660 group evenkeel level admin`",
  ],
  ENOTSOCK: ["SWITCH_REFUSED", "is not a UNIX socket: correct the path in the configuration"],
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
    const { path, answerTimeoutMs = ANSWER_TIMEOUT_MS } = this.#options;
    return new Promise((resolve, reject) => {
      if (command.length > COMMAND_LENGTH_MAX || !commandPattern.test(command)) {
        reject(this.#error("BAD_COMMAND", `not sent, as it is no single line: ${quoted(command)}`));
        return;
      }
      if (signal.aborted) {
        reject(this.#error("ABORTED", "given up before it was asked"));
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
      const abort = (): void => fail(this.#error("ABORTED", "given up while it was asked"));
      const forget = this.#options.clock.after(answerTimeoutMs, () => {
        const words = `no whole answer within ${answerTimeoutMs} ms to ${quoted(command)}: is HAProxy stopped, or all its connections for statistics taken?`;
        fail(this.#error("SWITCH_SILENT", words));
      });
      signal.addEventListener("abort", abort, { once: true });
      this.#collect(socket, { answered: (text) => finish(() => resolve(text)), fail });
      socket.write(`${command}\n`);
    });
  }

  #collect(
    socket: Socket,
    end: { answered: (text: string) => void; fail: (error: SwitchError) => void },
  ): void {
    const { answerBytesMax = ANSWER_BYTES_MAX } = this.#options;
    const parts: Buffer[] = [];
    let bytes = 0;
    socket.on("error", (cause) => end.fail(this.#openError(cause)));
    socket.on("data", (chunk) => {
      bytes += chunk.length;
      parts.push(chunk);
      if (bytes <= answerBytesMax) return;
      end.fail(this.#error("SWITCH_ANSWER", `its answer is longer than ${answerBytesMax} bytes`));
    });
    const nothing = (): void =>
      end.fail(this.#error("SWITCH_ANSWER", "closed without an answer: did HAProxy just end?"));
    // Even a command that is done without a word is answered with an empty line.
    socket.on("end", () => {
      if (bytes === 0) nothing();
      else end.answered(Buffer.concat(parts).toString("latin1"));
    });
    // After an error or an answer this comes to nothing.
    socket.on("close", nothing);
  }

  #openError(cause: Error): SwitchError {
    const errno = String((cause as NodeJS.ErrnoException).code);
    const [code, words] = OPEN_FAILURES[errno] ?? ["SWITCH_ABSENT", `failed (${errno})`];
    return new SwitchError(`HAProxy socket ${this.path}: ${words}`, { code, cause });
  }

  #error(code: SwitchErrorCode, words: string): SwitchError {
    return new SwitchError(`HAProxy socket ${this.path}: ${words}`, { code });
  }
}

function quoted(command: string): string {
  return JSON.stringify(command.slice(0, 100));
}
