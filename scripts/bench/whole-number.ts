/** Of a command's argument. Throws RangeError for anything else than a whole number above 0. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new RangeError(`"${text}" is not a whole number above 0`);
}
