import { type ClientRequest, request } from "node:http";
import type { Clock } from "../ports/clock.ts";

/** Answers are judged by their first line; longer headers are none that we need to wait for. */
const HEADER_BYTES_MAX = 8 * 1024;

/** Where a member is asked how it is. */
export interface HealthTarget {
  readonly address: string;
  readonly port: number;
  /** Begins with `/`. */
  readonly path: string;
}

export interface HealthAnswer {
  readonly isHealthy: boolean;
  /** True when the time limit was used up. */
  readonly isLate: boolean;
  /** What happened, for people: a status or a fault. */
  readonly words: string;
}

export interface HealthRequestOptions {
  readonly clock: Clock;
  /** For the whole answer's head, the connection included. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/**
 * Asks once, over a connection of its own that is ended with the answer's head: no body is read.
 * 2xx and 3xx are healthy. Never rejects; an abort is an answer as well.
 */
export function requestHealth(
  { address, port, path }: HealthTarget,
  { clock, limitMs, signal }: HealthRequestOptions,
): Promise<HealthAnswer> {
  return new Promise((resolve) => {
    const asked = begin({ host: address, port, path });
    if (!("end" in asked)) {
      resolve(asked);
      return;
    }
    const finish = (isHealthy: boolean, words: string, isLate = false): void => {
      forget();
      signal.removeEventListener("abort", abort);
      asked.destroy();
      resolve({ isHealthy, isLate, words });
    };
    const abort = (): void => finish(false, "given up");
    const late = `no answer within ${Math.ceil(limitMs)} ms`;
    const forget = clock.after(limitMs, () => finish(false, late, true));
    signal.addEventListener("abort", abort, { once: true });
    asked.on("error", (fault) => finish(false, faultWords(fault)));
    asked.on("response", ({ statusCode = 0 }) => {
      finish(statusCode >= 200 && statusCode < 400, `status ${statusCode}`);
    });
    asked.on("upgrade", () => finish(false, "it changed the protocol"));
    asked.end();
    if (signal.aborted) abort();
  });
}

function begin(where: { host: string; port: number; path: string }): ClientRequest | HealthAnswer {
  try {
    return request({ ...where, agent: false, maxHeaderSize: HEADER_BYTES_MAX });
  } catch (error) {
    // A path or port that Node refuses to send.
    return { isHealthy: false, isLate: false, words: faultWords(error) };
  }
}

function faultWords(fault: unknown): string {
  const { code, message } = fault as NodeJS.ErrnoException;
  return code ?? message.split("\n")[0] ?? "failed";
}
