const WORDS: Readonly<Record<string, string>> = {
  EADDRINUSE: "it is in use by another program",
  EADDRNOTAVAIL: "this host has no such address",
  EACCES: "this user may not listen on it",
};
const LINE_LENGTH_MAX = 200;

/** Why a port cannot be had, in a few words: libp2p puts the stacks of several errors into one message. */
export function bindProblem(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  const code = /\bE[A-Z]{4,}\b/.exec(text)?.[0] ?? "";
  const [line = ""] = text.split("\n");
  return WORDS[code] ?? line.slice(0, LINE_LENGTH_MAX);
}
