/**
 * Order of two texts by UTF-16 code units: the same on every host, whatever its locale.
 * Never use `localeCompare` under `lib/`.
 */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A new array in the order of the text that `textOf` gives for each item. */
export function sortedBy<Item>(items: Iterable<Item>, textOf: (item: Item) => string): Item[] {
  return [...items].sort((a, b) => compareText(textOf(a), textOf(b)));
}
