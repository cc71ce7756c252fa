import {
  allEntries,
  type CommandEntry,
  type CommandOption,
  HELP_OPTION,
  type ValueKind,
} from "./command-tree.ts";

/** The first line of every generated file. */
export const GENERATED =
  "# Made from the command's own definition by scripts/deb; changes here are lost.";

/** A hanging agent must not hang the shell. */
const ANSWER_SECONDS_MAX = 2;

/** Prints the names of one kind, one a line: what the agent knows of, nothing where none answers. */
export const NAME_COMMANDS: Readonly<Record<"vm" | "host" | "service", string>> = {
  vm: nameCommand("vms"),
  host: nameCommand("members"),
  service: nameCommand("service list"),
};

/** The first line is the table's head, or says that there is nothing. */
function nameCommand(verb: string): string {
  return `timeout ${ANSWER_SECONDS_MAX} evenkeel ${verb} 2>/dev/null | awk 'NR > 1 { print $1 }'`;
}

/** The options that may stand after a command: its own, and those of the whole command. */
export function optionsAt(tree: CommandEntry, entry: CommandEntry): readonly CommandOption[] {
  const own = entry === tree ? [] : entry.options;
  return [...own, ...tree.options, HELP_OPTION];
}

export interface ValuedOption {
  readonly entry: CommandEntry;
  readonly name: string;
  readonly kind: ValueKind;
}

/** Every option that takes a value, with the command that it belongs to. */
export function valuedOptions(tree: CommandEntry): readonly ValuedOption[] {
  return allEntries(tree).flatMap((entry) =>
    entry.options.flatMap(({ names, value }) =>
      value === null ? [] : names.map((name) => ({ entry, name, kind: value.kind })),
    ),
  );
}
