import { readFile } from "node:fs/promises";

/** The counts that a guest has shown on its serial line, in the order it showed them. */
export async function serialCounts(path: string): Promise<readonly number[]> {
  const text = await readFile(path, "utf8").catch(() => "");
  // The last line may still be on its way.
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return lines.flatMap((line) => {
    const match = /^tick (\d+)\r?$/.exec(line);
    return match ? [Number(match[1])] : [];
  });
}

/** Where counts skip, repeat or begin anew, in words; null when each is one more than the last. */
export function countFault(counts: readonly number[]): string | null {
  for (const [index, count] of counts.entries()) {
    const expected = index === 0 ? 0 : (counts[index - 1] ?? 0) + 1;
    if (count !== expected) return `count ${count} came where ${expected} was due`;
  }
  return null;
}
