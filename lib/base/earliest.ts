/** The earliest of some points in time, ms; undefined (never) when none is set. */
export function earliestMs(...timesMs: readonly (number | undefined)[]): number | undefined {
  let earliest: number | undefined;
  for (const atMs of timesMs) {
    if (atMs !== undefined && (earliest === undefined || atMs < earliest)) earliest = atMs;
  }
  return earliest;
}
