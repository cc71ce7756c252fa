import type { WriteStream } from "node:tty";
import { type Palette, paletteOf } from "#agent/cli/palette.ts";

/** How a picture may be drawn on the terminal that there is. */
export interface PictureOptions {
  readonly palette: Palette;
  readonly unicode: boolean;
}

/** What a demonstration shows of one moment. */
export interface Picture {
  /** Monotonic, ms. */
  readonly atMs: number;
  /** For a terminal that is redrawn. */
  readonly lines: (options: PictureOptions) => readonly string[];
  /** The same in one line, for a log. */
  readonly line: string;
  /** All that has happened so far, oldest first; a log gets each once. */
  readonly happened: readonly string[];
}

/** Without a terminal a line is enough this often. */
const LINE_EVERY_MS = 5_000;

/** What a demonstration shows: a picture redrawn in place on a terminal, lines elsewhere. */
export class Screen {
  readonly #stream: WriteStream;
  readonly #isLive: boolean;
  readonly #palette: Palette;
  readonly #unicode: boolean;
  #drawnLines = 0;
  #saidAtMs = Number.NEGATIVE_INFINITY;
  #happenedSaid = 0;

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

  show(picture: Picture): void {
    const options = { palette: this.#palette, unicode: this.#unicode };
    if (this.#isLive) this.#redraw(picture.lines(options));
    else this.#sayChanges(picture);
  }

  #redraw(lines: readonly string[]): void {
    const up = this.#drawnLines > 0 ? `\u001b[${this.#drawnLines}A` : "";
    // A line that the terminal wraps would count as two: no wrapping while drawing.
    const text = lines.map((line) => `\u001b[2K${line}\n`).join("");
    this.#stream.write(`\u001b[?7l${up}\r${text}\u001b[0J\u001b[?7h`);
    this.#drawnLines = lines.length;
  }

  #sayChanges({ atMs, line, happened }: Picture): void {
    for (const words of happened.slice(this.#happenedSaid)) this.#stream.write(`  ${words}\n`);
    this.#happenedSaid = happened.length;
    if (atMs - this.#saidAtMs < LINE_EVERY_MS) return;
    this.#saidAtMs = atMs;
    this.#stream.write(`${line}\n`);
  }
}
