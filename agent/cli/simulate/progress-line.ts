import type { BalanceProgress } from "#lib/simulation/balance-run.ts";
import type { CommandIo } from "../command-io.ts";

/** A line that is rewritten changes this often; one that stays comes this seldom, ms. */
const rewriteMs = 100;
const lineMs = 10_000;

/** Shows how far a run is: on a terminal in one line, else a line to standard error now and then. */
export class ProgressLine {
  readonly #io: CommandIo;
  readonly #seconds: number;
  readonly #rewrites: boolean;
  #shownMs: number;

  constructor(io: CommandIo, seconds: number, json: boolean) {
    this.#io = io;
    this.#seconds = seconds;
    this.#rewrites = io.live && !json;
    this.#shownMs = io.nowMs();
  }

  observe({ second, moves, spread }: BalanceProgress): void {
    const nowMs = this.#io.nowMs();
    if (nowMs - this.#shownMs < (this.#rewrites ? rewriteMs : lineMs)) return;
    this.#shownMs = nowMs;
    const line =
      `second ${second} of ${this.#seconds}  ${moves} moves  ` +
      `spread CPU ${spread.cpuSd.toFixed(3)}, memory ${spread.memSd.toFixed(3)}`;
    if (this.#rewrites) this.#io.rewrite(line);
    else this.#io.err(`simulate: ${line}`);
  }

  /** Leaves nothing of the line that was rewritten. */
  end(): void {
    if (this.#rewrites) this.#io.rewrite("");
  }
}
