/**
 * Runs a demonstration as a program: ^C and its kin abort the signal that it is given, what it
 * resolves with is the exit code, an error is one line on standard error (2 for a wrong argument).
 */
export async function runDemo(perform: (signal: AbortSignal) => Promise<number>): Promise<void> {
  const interrupt = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => interrupt.abort());
  }
  try {
    process.exitCode = await perform(interrupt.signal);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    process.stderr.write(`quickstart: ${words}\n`);
    process.exitCode = isUsageError(error) ? 2 : 1;
  }
}

function isUsageError(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return error instanceof RangeError || code.startsWith("ERR_PARSE_ARGS");
}
