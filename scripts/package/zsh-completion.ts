import {
  allEntries,
  type CommandArgument,
  type CommandEntry,
  type CommandOption,
  type ValueKind,
} from "./command-tree.ts";
import { GENERATED, NAME_COMMANDS, optionsAt } from "./shell-tables.ts";

/** Completion for zsh: one function for each command, in one autoloaded file. */
export function zshCompletion(tree: CommandEntry): string {
  const functions = allEntries(tree).map((entry) =>
    entry.children.length > 0 ? groupFunction(tree, entry) : commandFunction(tree, entry),
  );
  return `#compdef evenkeel
${GENERATED}

${namesFunction("vms", NAME_COMMANDS.vm)}
${namesFunction("hosts", NAME_COMMANDS.host)}
${namesFunction("services", NAME_COMMANDS.service)}
${functions.join("\n")}
_evenkeel "$@"
`;
}

const ACTIONS: Readonly<Record<ValueKind, string>> = {
  file: "_files",
  directory: "_files -/",
  vm: "_evenkeel_names_vms",
  host: "_evenkeel_names_hosts",
  service: "_evenkeel_names_services",
  free: " ",
};

function namesFunction(name: string, command: string): string {
  return `_evenkeel_names_${name}() {
  local -a names=(\${(f)"$(${command})"})
  compadd -a names
}`;
}

function functionName({ path }: CommandEntry): string {
  return ["_evenkeel", ...path].join("_");
}

function groupFunction(tree: CommandEntry, entry: CommandEntry): string {
  const names = entry.children.map(({ path, summary }) => {
    return `    ${quoted(`${path.at(-1)}:${summary}`)}`;
  });
  const cases = entry.children.map(
    (child) => `      ${child.path.at(-1)}) ${functionName(child)} ;;`,
  );
  return `${functionName(entry)}() {
  local curcontext=$curcontext state line
  local -A opt_args
  local -a commands=(
${names.join("\n")}
  )
  _arguments -C \\
${specs(tree, entry)}    '1: :->command' '*:: :->rest'
  case $state in
    command) _describe -t commands command commands ;;
    rest)
      case $words[1] in
${cases.map((line) => `  ${line}`).join("\n")}
      esac
      ;;
  esac
}
`;
}

function commandFunction(tree: CommandEntry, entry: CommandEntry): string {
  const given = entry.arguments.map(argumentSpec).join(" ");
  return `${functionName(entry)}() {
  _arguments \\
${specs(tree, entry)}    ${given}
}
`;
}

function specs(tree: CommandEntry, entry: CommandEntry): string {
  const lines = optionsAt(tree, entry).flatMap(optionSpecs);
  return lines.map((line) => `    ${line} \\\n`).join("");
}

function optionSpecs({ names, value, text }: CommandOption): string[] {
  const wanted = value === null ? "" : `:${escaped(value.name)}:${ACTIONS[value.kind]}`;
  return names.map((name) => quoted(`${name}[${escaped(text)}]${wanted}`));
}

function argumentSpec({ name, kind, required }: CommandArgument): string {
  return quoted(`${required ? "" : ":"}:${escaped(name)}:${ACTIONS[kind]}`);
}

/** Signs that mean something to _arguments and _describe. */
function escaped(text: string): string {
  return text.replace(/[\\:[\]]/g, "\\$&");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
