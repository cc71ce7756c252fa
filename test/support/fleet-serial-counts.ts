import { readFile } from "node:fs/promises";

const WHOLE_LINE = /tick (\d+)\r?\n/g;

export interface FleetSerialCounts {
  /** All counts in rising order; a repeat or a reset shows as the same count twice. */
  readonly counts: readonly number[];
  /** Counts that no host's log shows. */
  readonly lost: readonly number[];
  /** Counts shown more than once. */
  readonly repeated: readonly number[];
}

/**
 * What one VM counted, over the serial logs of all the hosts that it ran on. A move may stop the
 * guest in the middle of a line: the rest of that line is then in the target's log, and the two
 * parts count as the one line that they make.
 */
export async function fleetSerialCounts(paths: readonly string[]): Promise<FleetSerialCounts> {
  const texts = await Promise.all(paths.map((path) => readFile(path, "utf8").catch(() => "")));
  const shown = texts.flatMap((text) =>
    [...text.matchAll(WHOLE_LINE)].map((match) => Number(match[1])),
  );
  const seen = new Set(shown);
  const last = Math.max(-1, ...shown);
  const missing = Array.from({ length: last + 1 }, (_, count) => count).filter(
    (count) => !seen.has(count),
  );
  const split = new Set(missing.filter((count) => isSplit(count, texts)));
  return {
    counts: [...shown, ...split].sort((a, b) => a - b),
    lost: missing.filter((count) => !split.has(count)),
    repeated: [...new Set(shown.filter((count, i) => shown.indexOf(count) !== i))],
  };
}

/** True when one log has the begin of this count's line, and another one the rest. */
function isSplit(count: number, texts: readonly string[]): boolean {
  const begins = texts.map((text) => textAfter(text, count - 1));
  const rests = texts.map((text) => textBefore(text, count + 1));
  return begins.some((begin) =>
    rests.some((rest) => {
      const line = `${begin}${rest}`;
      return line === `tick ${count}\r\n` || line === `tick ${count}\n`;
    }),
  );
}

/** What follows a count's line, up to the next whole line; undefined when it is not there. */
function textAfter(text: string, count: number): string | undefined {
  const match = new RegExp(`tick ${count}\\r?\\n`).exec(text);
  if (!match) return undefined;
  const after = text.slice(match.index + match[0].length);
  const next = after.search(/tick \d+\r?\n/);
  return next === -1 ? after : after.slice(0, next);
}

/** What comes before a count's line, back to the last whole line; undefined when it is not there. */
function textBefore(text: string, count: number): string | undefined {
  const at = text.search(new RegExp(`tick ${count}\\r?\\n`));
  if (at === -1) return undefined;
  let begin = 0;
  for (const match of text.slice(0, at).matchAll(WHOLE_LINE)) {
    begin = match.index + match[0].length;
  }
  return text.slice(begin, at);
}
