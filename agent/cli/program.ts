import { Command } from "commander";
import type { CommandIo } from "./command-io.ts";
import type { VerbInput } from "./verb-context.ts";
import { type VerbEntry, verbs } from "./verbs.ts";

/** Called with the verb that was asked for; its promise is the command's. */
export type VerbCall = (
  entry: VerbEntry,
  input: VerbInput,
  globals: Readonly<Record<string, unknown>>,
) => Promise<void>;

/** What a group of verbs is about. */
const GROUPS: Readonly<Record<string, string>> = {
  vm: "define VMs, set their rules, start, stop and undefine them",
  guests: "this host's guests, when the host itself stops",
  service: "declare services, once for all hosts",
  move: "put an end to a move in doubt",
  key: "make a cluster key, tell keys apart",
};

const CLOSING_WORDS = `
Verbs that change something need the agent's own user (sudo). The socket can also be named by
EVENKEEL_SOCKET. Exit codes: 0 done, 1 failed, 2 written wrongly, 3 no agent reached.
Every verb explains itself: evenkeel drain --help
`;

/** The command line: every verb of the table, its options and its help. */
export function buildProgram(io: CommandIo, call: VerbCall): Command {
  const program = new Command("evenkeel")
    .description("Watch and steer the agent that keeps a fleet of VM hosts level.")
    .option("--socket <path>", "the agent's socket (default: /run/evenkeel/evenkeel.sock)")
    .option("--json", "print JSON, for programs")
    .addHelpText("after", CLOSING_WORDS);
  const groups = new Map<string, Command>();
  for (const entry of verbs) addVerb(program, groups, entry, call);
  for (const command of [
    program,
    ...program.commands,
    ...[...groups.values()].flatMap(childrenOf),
  ]) {
    configure(command, io);
  }
  return program;
}

function addVerb(
  program: Command,
  groups: Map<string, Command>,
  entry: VerbEntry,
  call: VerbCall,
): void {
  const [first = "", ...rest] = entry.usage.split(" ");
  const isGrouped = Object.hasOwn(GROUPS, first);
  const parent = isGrouped ? groupOf(program, groups, first) : program;
  const command = parent
    .command(isGrouped ? rest.join(" ") : entry.usage)
    .description(entry.summary)
    .addHelpText("after", `\nExample:\n  ${entry.example}`)
    .addHelpText("after", entry.closing === undefined ? "" : `\n${entry.closing}`);
  for (const { flags, text, required } of entry.options ?? []) {
    if (required) command.requiredOption(flags, text);
    else command.option(flags, text);
  }
  // Commander hands over the arguments, then the options, then the command itself.
  command.action((...given: unknown[]) => {
    const words = given
      .slice(0, -2)
      .flat()
      .filter((word) => typeof word === "string");
    return call(entry, { words, options: command.opts() }, command.optsWithGlobals());
  });
}

function groupOf(program: Command, groups: Map<string, Command>, name: string): Command {
  const known = groups.get(name);
  if (known !== undefined) return known;
  const group = program.command(name).description(GROUPS[name] ?? "");
  groups.set(name, group);
  return group;
}

function configure(command: Command, io: CommandIo): void {
  command
    .exitOverride()
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.err(text.trimEnd()),
      outputError: (text, write) => write(text.replace(/^error: /, "evenkeel: ")),
    });
}

function childrenOf(group: Command): readonly Command[] {
  return group.commands;
}
