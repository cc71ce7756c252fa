import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { StreamAnswer, StreamOrder } from "./stream-end.ts";

const ENTRY = fileURLToPath(new URL("./stream-end.ts", import.meta.url));

/** One process that pours and one that drinks: what stands at the two ends of whatever carries. */
export class StreamPair {
  readonly #pouring = fork(ENTRY);
  readonly #drinking = fork(ENTRY);

  /** Waits for streams on `at`; resolves to its TCP port (0 for a UNIX socket). */
  async drink(at: { readonly path: string } | { readonly port: number }): Promise<number> {
    const answer = await this.#asked({ end: "drink", ...at });
    return "port" in answer ? answer.port : 0;
  }

  /** Begins to pour into `into`, without end. */
  pour(into: { readonly path: string } | { readonly port: number }): void {
    this.#pouring.send({ end: "pour", ...into } satisfies StreamOrder);
  }

  async receivedBytes(): Promise<number> {
    const answer = await this.#asked("count");
    return "receivedBytes" in answer ? answer.receivedBytes : 0;
  }

  get pids(): readonly number[] {
    return [this.#pouring, this.#drinking].flatMap(({ pid }) => pid ?? []);
  }

  async close(): Promise<void> {
    await Promise.all([this.#pouring, this.#drinking].map(endOf));
  }

  async #asked(message: StreamOrder | "count"): Promise<StreamAnswer> {
    const answered = once(this.#drinking, "message");
    this.#drinking.send(message);
    const [answer]: StreamAnswer[] = await answered;
    if (answer === undefined) throw new Error("the drinking end said nothing");
    return answer;
  }
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}
