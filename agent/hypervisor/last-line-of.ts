/** The last line that a program wrote when it failed, else the error's own words. */
export function lastLineOf(error: unknown): string {
  const { stderr, message } = error as { stderr?: unknown; message?: unknown };
  const text = typeof stderr === "string" && stderr.trim() !== "" ? stderr : String(message);
  return text.trim().split("\n").at(-1) ?? "";
}
