import type { WriteStream } from "node:tty";
import { type Palette, paletteOf } from "#agent/cli/palette.ts";
import type { Observation } from "./observation.ts";
import { outcomeLine, pictureLine, pictureLines } from "./picture.ts";

/** Without a terminal a line is enough this often. */
const LINE_EVERY_MS = 5_000;

/** What the quickstart shows: a picture redrawn in place on a terminal, lines elsewhere. */
export class Screen {
  readonly #stream: WriteStream;
  readonly #isLive: boolean;
  readonly #palette: Palette;
  readonly #unicode: boolean;
  #drawnLines = 0;
  #saidAtMs = Number.NEGATIVE_INFINITY;
  #outcomesSaid = 0;

  constructor(stream: WriteStream, environment: Readonly<Record<string, string | undefined>>) {
    this.#stream = stream;
    this.#isLive = stream.isTTY === true && environment["TERM"] !== "dumb";
    this.#palette = paletteOf(this.#isLive && !environment["NO_COLOR"]);
    const locale = environment["LC_ALL"] || environment["LC_CTYPE"] || environment["LANG"] || "";
    this.#unicode = /utf-?8/i.test(locale);
  }

  /** A line that stays. A picture above it stays, too. */
  say(line: string): void {
    this.#drawnLines = 0;
    this.#stream.write(`${line}\n`);
  }

  heading(line: string): void {
    this.say("");
    this.say(this.#palette("strong", line));
  }

  /** A line that the next one replaces; nothing without a terminal. */
  progress(line: string): void {
    if (this.#isLive) this.#redraw([line]);
  }

  show(seen: Observation): void {
    if (this.#isLive) this.#redraw(this.#clipped(seen));
    else this.#sayChanges(seen);
  }

  #clipped(seen: Observation): readonly string[] {
    return pictureLines(seen, { palette: this.#palette, unicode: this.#unicode });
  }

  #redraw(lines: readonly string[]): void {
    const up = this.#drawnLines > 0 ? `\u001b[${this.#drawnLines}A` : "";
    // A line that the terminal wraps would count as two: no wrapping while drawing.
    const text = lines.map((line) => `\u001b[2K${line}\n`).join("");
    this.#stream.write(`\u001b[?7l${up}\r${text}\u001b[0J\u001b[?7h`);
    this.#drawnLines = lines.length;
  }

  #sayChanges(seen: Observation): void {
    for (const outcome of seen.outcomes.slice(this.#outcomesSaid)) {
      this.#stream.write(`  ${outcomeLine(outcome)}\n`);
    }
    this.#outcomesSaid = seen.outcomes.length;
    if (seen.atMs - this.#saidAtMs < LINE_EVERY_MS) return;
    this.#saidAtMs = seen.atMs;
    this.#stream.write(`${pictureLine(seen)}\n`);
  }
}
