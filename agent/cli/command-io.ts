/** Everything that a verb may know of the world around it, so that tests can hand in another. */
export interface CommandIo {
  /** One line to standard output, without its end. */
  readonly out: (line: string) => void;
  /** One line to standard error. */
  readonly err: (line: string) => void;
  /** Replaces the current line of a terminal; not called unless `live`. */
  readonly rewrite: (line: string) => void;
  /** True when standard output is a terminal that lines can be rewritten on. */
  readonly live: boolean;
  /** True when colours are wanted: a terminal, and no NO_COLOR (no-color.org). */
  readonly coloured: boolean;
  /** False where the locale cannot show block characters. */
  readonly unicode: boolean;
  /** What `systemctl is-system-running` says; null where nobody answers. */
  readonly systemState: () => string | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Monotonic ms. */
  readonly nowMs: () => number;
  readonly wait: (delayMs: number) => Promise<void>;
  /** Calls `interrupted` on ^C instead of ending; returns how to stop that. */
  readonly onInterrupt: (interrupted: () => void) => () => void;
}
