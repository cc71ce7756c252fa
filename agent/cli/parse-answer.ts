/**
 * C0 and C1 controls, and what turns the direction of text around: a name made by another host must
 * not steer the terminal of whoever lists it.
 */
const UNPRINTABLE = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** The value of a JSON text with every string made safe to print; undefined when it is not JSON. */
export function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text, (_, value: unknown) =>
      typeof value === "string" ? value.replace(UNPRINTABLE, "?") : value,
    );
  } catch {
    return undefined;
  }
}
