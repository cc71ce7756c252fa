/** A copy of `value` in which one part, counted depth first, is replaced by `fault`. */
export function withOneFault(value: unknown, place: number, fault: unknown): unknown {
  const parts = countParts(value);
  let left = place % parts;
  const copy = (part: unknown): unknown => {
    if (left-- === 0) return fault;
    if (Array.isArray(part)) return part.map(copy);
    if (typeof part !== "object" || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, field]) => [key, copy(field)]));
  };
  return copy(value);
}

function countParts(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce((sum: number, part) => sum + countParts(part), 1);
}
