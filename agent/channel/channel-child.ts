import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { ChannelError } from "./channel-error.ts";
import type { ChannelOrder, ChannelReport } from "./channel-order.ts";

/** From the end of its stdin to the end of the process; SIGKILL follows. */
const END_MS_MAX = 2000;
const STDERR_LENGTH_MAX = 2000;
/** A channel only copies: a small heap keeps it near 50 MB. */
const NODE_FLAGS = ["--max-old-space-size=64", "--disable-warning=ExperimentalWarning"];

export interface ChannelChildOptions {
  readonly entry: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** One running channel process, from its start to its end; it waits for one order. */
export class ChannelChild {
  readonly #options: ChannelChildOptions;
  readonly #process: ChildProcess;
  readonly #ready = Promise.withResolvers<number | null>();
  readonly #ended = Promise.withResolvers<void>();
  #order: ChannelOrder | undefined;
  #isOver = false;
  #stderr = "";
  #problem: string | undefined;

  /** Starts the process. */
  constructor(options: ChannelChildOptions) {
    this.#options = options;
    this.#process = spawn(process.execPath, [...NODE_FLAGS, options.entry], {
      stdio: ["pipe", "pipe", "pipe"],
      env: {},
    });
    // Nobody may be waiting when it fails.
    this.#ready.promise.catch(() => undefined);
    this.#watch();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Hands it its order, the only one. */
  begin(order: ChannelOrder): void {
    this.#order = order;
    this.#process.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** The listening port (null at the connecting end). Rejects with ChannelError. */
  async ready(msMax: number): Promise<number | null> {
    const forget = this.#options.clock.after(msMax, () => {
      this.#ready.reject(this.#failure(`not ready within ${msMax} ms`));
    });
    try {
      return await this.#ready.promise;
    } finally {
      forget();
    }
  }

  /** Resolves when the process is gone, by itself or killed after a bounded wait. */
  async end(): Promise<void> {
    this.#process.stdin?.end();
    const forget = this.#options.clock.after(END_MS_MAX, () => this.#process.kill("SIGKILL"));
    await this.#ended.promise;
    forget();
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  #watch(): void {
    const child = this.#process;
    const { stdin, stdout, stderr } = child;
    stdin?.on("error", () => undefined);
    if (stdout) createInterface({ input: stdout }).on("line", (line) => this.#reported(line));
    stderr?.on("data", (chunk: Buffer) => {
      this.#stderr = `${this.#stderr}${chunk}`.slice(-STDERR_LENGTH_MAX);
    });
    child.once("error", (error) => this.#gone(error.message));
    child.once("close", (code, signal) => this.#gone(`exit ${signal ?? code}`));
  }

  #reported(line: string): void {
    const report: ChannelReport = JSON.parse(line);
    if (report.report === "ready") this.#ready.resolve(report.port);
    else if (report.report === "failed") this.#problem = report.problem;
    else this.#write("info", "migration channel ended", report);
  }

  #gone(how: string): void {
    const problem = this.#problem ?? (this.#stderr.trim() || how);
    this.#isOver = true;
    this.#ready.reject(this.#failure(problem));
    if (this.#problem !== undefined) this.#write("warn", `migration channel failed: ${problem}`);
    this.#ended.resolve();
  }

  #failure(problem: string): ChannelError {
    return new ChannelError(`channel of move ${this.#order?.moveId ?? "none"}: ${problem}`);
  }

  #write(level: "info" | "warn", message: string, facts: object = {}): void {
    const { moveId, end } = this.#order ?? {};
    this.#options.log.write(level, message, { moveId, end, ...facts });
  }
}
