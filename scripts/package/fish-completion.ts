import {
  allEntries,
  type CommandEntry,
  type CommandOption,
  type ValueKind,
} from "./command-tree.ts";
import { GENERATED, NAME_COMMANDS, optionsAt, valuedOptions } from "./shell-tables.ts";

/** Completion for fish. */
export function fishCompletion(tree: CommandEntry): string {
  const entries = allEntries(tree);
  const paths = entries.filter((entry) => entry !== tree).map(({ path }) => path.join(" "));
  const valued = [...new Set(valuedOptions(tree).map(({ name }) => name))];
  return `${GENERATED}

function __evenkeel_vms
    ${NAME_COMMANDS.vm}
end
function __evenkeel_hosts
    ${NAME_COMMANDS.host}
end
function __evenkeel_services
    ${NAME_COMMANDS.service}
end

${STATE(paths, valued)}
complete -c evenkeel -f
${entries.flatMap((entry) => entryLines(tree, entry)).join("\n")}
`;
}

const CANDIDATES: Readonly<Record<ValueKind, string>> = {
  file: "-F",
  directory: "-a '(__fish_complete_directories (commandline -ct))'",
  vm: "-a '(__evenkeel_vms)'",
  host: "-a '(__evenkeel_hosts)'",
  service: "-a '(__evenkeel_services)'",
  free: "",
};

/** Prints the command that was typed, then how many arguments it has got. */
const STATE = (
  paths: readonly string[],
  valued: readonly string[],
) => `# True when the command before the cursor is the first word given, with the second as its number of arguments.
function __evenkeel_at
    set -l paths ${paths.map(quoted).join(" ")}
    set -l valued ${valued.join(" ")}
    set -l command ""
    set -l count 0
    set -l skip no
    for word in (commandline -opc)[2..-1]
        if test $skip = yes
            set skip no
        else if contains -- $word $valued
            set skip yes
        else if string match -q -- "-*" $word
            continue
        else if contains -- (string trim -- "$command $word") $paths
            set command (string trim -- "$command $word")
        else
            set count (math $count + 1)
        end
    end
    test "$command" = "$argv[1]"; and begin
        test (count $argv) -lt 2; or test $count = "$argv[2]"
    end
end
`;

function entryLines(tree: CommandEntry, entry: CommandEntry): string[] {
  const at = (count?: number) => {
    const words = [`"${entry.path.join(" ")}"`, ...(count === undefined ? [] : [String(count)])];
    return `complete -c evenkeel -n ${quoted(`__evenkeel_at ${words.join(" ")}`)}`;
  };
  return [
    ...entry.children.map(({ path, summary }) => {
      return `${at(0)} -a ${path.at(-1)} -d ${quoted(summary)}`;
    }),
    ...entry.arguments.flatMap(({ kind }, index) => {
      return kind === "free" ? [] : [`${at(index)} ${CANDIDATES[kind]}`];
    }),
    ...optionsAt(tree, entry).map((option) => `${at()} ${optionWords(option)}`),
  ];
}

function optionWords({ names, value, text }: CommandOption): string {
  const spelled = names.map((name) =>
    name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
  );
  // Without -x the names of files are offered beside.
  const needs = value?.kind === "file" ? "-r" : "-x";
  const wanted = value === null ? "" : ` ${needs} ${CANDIDATES[value.kind]}`;
  return `${spelled.join(" ")}${wanted.trimEnd()} -d ${quoted(text)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
