import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from "pino";
import type { Log, LogLevel } from "../ports/log.ts";

const STDOUT = 1;

export interface JsonLogOptions {
  /** Records below this level are dropped. */
  readonly level: LogLevel;
  /** Fields of every record, for example the host's name. */
  readonly base?: Readonly<Record<string, unknown>>;
  /** Where lines go; stdout by default, which systemd leads to the journal. */
  readonly output?: DestinationStream;
}

/**
 * One JSON line a record: `{"level":"info","time":"2026-01-31T…Z","msg":…, …facts}`. Written
 * before `write` returns, so that the last line before a crash is not lost. An error among the
 * facts is written with its code and the chain of its causes.
 */
export class JsonLog implements Log {
  readonly #logger: Logger;

  constructor(options: JsonLogOptions) {
    const output = options.output ?? destination({ fd: STDOUT, sync: true });
    this.#logger = pino(
      {
        level: options.level,
        base: options.base ? { ...options.base } : null,
        timestamp: stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      output,
    );
  }

  write(level: LogLevel, message: string, facts: Readonly<Record<string, unknown>> = {}): void {
    if (!this.#logger.isLevelEnabled(level)) return;
    this.#logger[level](plainFacts(facts), message);
  }
}

/** Fields that the record itself has keep their meaning: a fact of that name is renamed. */
const RESERVED = ["level", "time", "msg"];
const CAUSES_MAX = 5;

function plainFacts(facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts).map(([key, value]) => [
      RESERVED.includes(key) ? `${key}_` : key,
      value instanceof Error ? plainError(value, CAUSES_MAX) : value,
    ]),
  );
}

function plainError(error: Error, causesMax: number): Record<string, unknown> {
  const code = "code" in error ? { code: error.code } : {};
  const cause =
    error.cause instanceof Error && causesMax > 0
      ? { cause: plainError(error.cause, causesMax - 1) }
      : {};
  return { name: error.name, ...code, message: error.message, stack: error.stack, ...cause };
}
