import type { Command } from "commander";
import { buildProgram } from "#agent/cli/program.ts";
import { verbs } from "#agent/cli/verbs.ts";

/** What a word of the command line stands for, and so what may complete it. */
export type ValueKind = "file" | "directory" | "vm" | "host" | "service" | "free";

export interface CommandArgument {
  readonly name: string;
  readonly kind: ValueKind;
  readonly required: boolean;
}

export interface CommandOption {
  /** `--deadline <span>` */
  readonly flags: string;
  /** As they are typed: `-h` and `--help`. */
  readonly names: readonly string[];
  /** Null where the option takes no value. */
  readonly value: { readonly name: string; readonly kind: ValueKind } | null;
  readonly text: string;
}

/** One command, or a group of them, as manual and completions show it. */
export interface CommandEntry {
  /** The words that lead here: none for `evenkeel` itself, `["vm", "define"]`. */
  readonly path: readonly string[];
  readonly summary: string;
  readonly arguments: readonly CommandArgument[];
  /** Its own, without those of the whole command. */
  readonly options: readonly CommandOption[];
  readonly children: readonly CommandEntry[];
  readonly example: string | null;
  readonly closing: string | null;
}

/** Every command takes it; commander makes it by itself and does not list it. */
export const HELP_OPTION: CommandOption = {
  flags: "-h, --help",
  names: ["-h", "--help"],
  value: null,
  text: "display help for command",
};

const FOLDER_NAMES = ["dir"];
const FILE_NAMES = ["file", "path"];

/** The command as commander knows it: what is not in there cannot be typed. */
export function commandTree(): CommandEntry {
  const silent = () => undefined;
  const io = {
    ...{ out: silent, err: silent, rewrite: silent, live: false, coloured: false, unicode: true },
    ...{ environment: {}, systemState: () => null, nowMs: () => 0, wait: async () => undefined },
    onInterrupt: () => silent,
  };
  return entryOf(
    buildProgram(io, async () => undefined),
    [],
  );
}

/** The tree's entries in the order of the help, the command itself first. */
export function allEntries(tree: CommandEntry): readonly CommandEntry[] {
  return [tree, ...tree.children.flatMap(allEntries)];
}

/** How it is written: `vm define <file>`. */
export function usageOf({ path, arguments: given }: CommandEntry): string {
  const words = given.map(({ name, required }) => (required ? `<${name}>` : `[${name}]`));
  return [...path, ...words].join(" ");
}

function entryOf(command: Command, path: readonly string[]): CommandEntry {
  const verb = verbs.find(({ usage }) => wordsOf(usage).join(" ") === path.join(" "));
  return {
    path,
    summary: command.description(),
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.variadic ? `${argument.name()}...` : argument.name(),
      kind: kindOf(argument.name(), path),
      required: argument.required,
    })),
    options: command.options.map((option) => ({
      flags: option.flags,
      names: [option.short, option.long].filter((name) => name !== undefined),
      value: optionValue(option.flags, option.long ?? "", path),
      text: option.description,
    })),
    children: command.commands.map((child) => entryOf(child, [...path, child.name()])),
    example: verb?.example ?? null,
    closing: verb?.closing ?? null,
  };
}

/** The words of a usage that are typed as they stand. */
function wordsOf(usage: string): readonly string[] {
  return usage.split(" ").filter((word) => !/^[<[]/.test(word));
}

function optionValue(
  flags: string,
  long: string,
  path: readonly string[],
): { name: string; kind: ValueKind } | null {
  const name = /[<[]([^>\]]+)[>\]]/.exec(flags)?.[1];
  if (name === undefined) return null;
  // `--host <name>` says by itself whose name it wants.
  return { name, kind: name === "name" ? kindOf(long.slice(2), []) : kindOf(name, path) };
}

function kindOf(name: string, path: readonly string[]): ValueKind {
  if (FILE_NAMES.includes(name)) return "file";
  if (FOLDER_NAMES.includes(name)) return "directory";
  if (name === "vm" || name === "host") return name;
  return name === "name" && path[0] === "service" ? "service" : "free";
}
