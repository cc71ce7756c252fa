import { allEntries, type CommandEntry } from "./command-tree.ts";
import { GENERATED, NAME_COMMANDS, optionsAt, valuedOptions } from "./shell-tables.ts";

/** Completion for bash; needs nothing but bash itself. */
export function bashCompletion(tree: CommandEntry): string {
  const entries = allEntries(tree);
  const groups = entries.filter(({ children }) => children.length > 0);
  return `${GENERATED}

# What may follow the words of a command.
_evenkeel_commands() {
  case $1 in
${groups.map((entry) => caseLine([key(entry)], `echo ${childNames(entry)}`)).join("\n")}
  esac
}

_evenkeel_options() {
  case $1 in
${entries.map((entry) => caseLine([key(entry)], `echo ${optionNames(tree, entry)}`)).join("\n")}
  esac
}

# Which kind of word an option wants: "COMMAND OPTION". Prints nothing for one that takes none.
_evenkeel_option_value() {
  case $1 in
${valuedOptions(tree)
  .map(({ entry, name, kind }) => {
    // An option of the whole command may stand after any of them.
    const pattern = entry === tree ? `*"${name}"` : `"${key(entry)} ${name}"`;
    return `    ${pattern}) echo ${kind} ;;`;
  })
  .join("\n")}
  esac
}

# Which kind of word an argument is: "COMMAND NUMBER".
_evenkeel_argument() {
  case $1 in
${entries
  .flatMap((entry) =>
    entry.arguments.map(({ kind }, index) => caseLine([`${key(entry)} ${index}`], `echo ${kind}`)),
  )
  .join("\n")}
  esac
}

_evenkeel_words() {
  case $1 in
    vm) ${NAME_COMMANDS.vm} ;;
    host) ${NAME_COMMANDS.host} ;;
    service) ${NAME_COMMANDS.service} ;;
  esac
}

${ENGINE}`;
}

/** How the words of a command are looked up; the command itself has none. */
function key({ path }: CommandEntry): string {
  return path.join(" ");
}

function caseLine(patterns: readonly string[], order: string): string {
  return `    ${patterns.map((pattern) => `"${pattern}"`).join(" | ")}) ${order} ;;`;
}

function childNames({ children }: CommandEntry): string {
  return children.map(({ path }) => path.at(-1)).join(" ");
}

function optionNames(tree: CommandEntry, entry: CommandEntry): string {
  return optionsAt(tree, entry)
    .flatMap(({ names }) => names)
    .join(" ");
}

const ENGINE = `_evenkeel() {
  local current=\${COMP_WORDS[COMP_CWORD]} command="" count=0 wanted="" word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    # bash takes --option=value apart at the sign.
    [ "$word" = "=" ] && continue
    if [ -n "$wanted" ]; then
      wanted=""
    elif [[ $word == -* ]]; then
      wanted=$(_evenkeel_option_value "$command $word")
    elif [[ " $(_evenkeel_commands "$command") " == *" $word "* ]]; then
      command="\${command:+$command }$word"
    else
      count=$((count + 1))
    fi
  done
  [ "$current" = "=" ] && current=""
  if [ -z "$wanted" ] && [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$(_evenkeel_options "$command")" -- "$current"))
    return
  fi
  [ -n "$wanted" ] || wanted=$(_evenkeel_argument "$command $count")
  case $wanted in
    "") COMPREPLY=($(compgen -W "$(_evenkeel_commands "$command")" -- "$current")) ;;
    file)
      compopt -o filenames 2>/dev/null
      COMPREPLY=($(compgen -f -- "$current"))
      ;;
    directory)
      compopt -o filenames 2>/dev/null
      COMPREPLY=($(compgen -d -- "$current"))
      ;;
    *) COMPREPLY=($(compgen -W "$(_evenkeel_words "$wanted")" -- "$current")) ;;
  esac
}
complete -F _evenkeel evenkeel
`;
