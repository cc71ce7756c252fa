import type { ApiClient } from "./api-client.ts";
import type { ExitCode } from "./cli-error.ts";
import type { CommandIo } from "./command-io.ts";
import type { Palette } from "./palette.ts";

/** What every verb is given. */
export interface VerbContext {
  readonly io: CommandIo;
  readonly client: ApiClient;
  readonly palette: Palette;
  /** True: print the answer as JSON and nothing else. */
  readonly json: boolean;
}

/** The words and options that were given to a verb. */
export interface VerbInput {
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** One verb; resolves with its exit code. */
export type VerbRunner = (context: VerbContext, input: VerbInput) => Promise<ExitCode>;

/** The word at `index`; commander has checked that it is there. */
export function wordAt(input: VerbInput, index: number): string {
  return input.words[index] ?? "";
}

/** Prints an answer of the agent for a program. */
export function printJson({ io }: VerbContext, value: unknown): void {
  io.out(JSON.stringify(value, undefined, 2));
}
