import { exitCodes } from "#agent/cli/cli-error.ts";
import type { CommandIo } from "#agent/cli/command-io.ts";
import { runCommand } from "#agent/cli/run-command.ts";

export interface CliRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** Lines that were rewritten on a live terminal. */
  readonly rewritten: readonly string[];
}

/** A world of plain values for one command: no terminal, no colours, time stands still. */
export function fakeIo(changes: Partial<CommandIo> = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const rewritten: string[] = [];
  const interrupts = new Set<() => void>();
  let nowMs = 0;
  const io: CommandIo = {
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
    rewrite: (line) => void rewritten.push(line),
    live: false,
    coloured: false,
    unicode: true,
    environment: {},
    systemState: () => null,
    nowMs: () => nowMs,
    wait: async (delayMs) => {
      nowMs += delayMs;
    },
    onInterrupt: (interrupted) => {
      interrupts.add(interrupted);
      return () => void interrupts.delete(interrupted);
    },
    ...changes,
  };
  const interrupt = () => {
    for (const interrupted of interrupts) interrupted();
  };
  return { io, out, err, rewritten, interrupts, interrupt };
}

/** Runs one command line in this process. */
export async function runCli(
  words: readonly string[],
  changes: Partial<CommandIo> = {},
): Promise<CliRun> {
  const { io, out, err, rewritten, interrupts } = fakeIo(changes);
  const code = await runCommand(words, io);
  if (interrupts.size > 0) throw new Error("the command still listens for ^C");
  if (!Object.values(exitCodes).includes(code)) throw new Error(`exit code ${code}`);
  return { code, out: out.join("\n"), err: err.join("\n"), rewritten };
}
