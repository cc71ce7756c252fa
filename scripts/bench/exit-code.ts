/** 2 for a command line that cannot be used, 1 for whatever failed on the way. */
export function exitCodeOf(error: unknown): 1 | 2 {
  if (error instanceof RangeError) return 2;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return code.startsWith("ERR_PARSE_ARGS") ? 2 : 1;
}
