/** The name, or the name with a number behind it where it is taken already; takes it. */
export function uniqueName(name: string, taken: Set<string>): string {
  let free = name;
  for (let twin = 2; taken.has(free); twin += 1) free = `${name}-${twin}`;
  taken.add(free);
  return free;
}
