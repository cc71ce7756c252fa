const DIGITS = 1e4;

/** `part` of `whole` to four digits; null where either is unknown or the whole is nothing. */
export function roundedShare(part: number | undefined, whole: number | undefined): number | null {
  if (part === undefined || whole === undefined || whole <= 0) return null;
  return Math.round((part / whole) * DIGITS) / DIGITS;
}
