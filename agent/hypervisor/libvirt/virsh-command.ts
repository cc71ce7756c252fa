import { assert } from "#lib/base/assert.ts";

/** Longer than any command of ours; a guard, not a limit of virsh. */
const COMMAND_LENGTH_MAX = 4096;
const PLAIN = /^[A-Za-z0-9_@%+=:,./?-]+$/;

/**
 * One line for virsh's own command loop, which splits words as a shell does (virsh(1)). Nothing in
 * a word can begin a second command: it is quoted, and control characters are refused.
 */
export function virshLine(words: readonly string[]): string {
  const line = words.map(quoted).join(" ");
  assert(line.length <= COMMAND_LENGTH_MAX, "a virsh command is short");
  return line;
}

function quoted(word: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
  assert(!/[\u0000-\u001f\u007f]/.test(word), "no word for virsh has control characters");
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
