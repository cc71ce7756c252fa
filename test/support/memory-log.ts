import type { Log, LogLevel } from "#agent/ports/log.ts";

interface LogRecord {
  readonly level: LogLevel;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Keeps what was logged, for tests to look at. */
export class MemoryLog implements Log {
  readonly records: LogRecord[] = [];

  write(level: LogLevel, message: string, facts: Readonly<Record<string, unknown>> = {}): void {
    this.records.push({ level, message, facts });
  }

  get messages(): string[] {
    return this.records.map(({ message }) => message);
  }
}
