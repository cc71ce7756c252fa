export type LogLevel = "debug" | "info" | "warn" | "error";

/** Structured log for journald: one JSON line a call. `facts` become fields. */
export interface Log {
  write(level: LogLevel, message: string, facts?: Readonly<Record<string, unknown>>): void;
}
