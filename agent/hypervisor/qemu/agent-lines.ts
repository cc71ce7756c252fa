import { asRecord } from "./qmp-lines.ts";

/** Far over any answer to what we ask: the guest decides what comes, and is not to be trusted. */
const LINE_BYTES_MAX = 4096;
/** For a whole conversation: what an agent may have left unread, and our few answers. */
const BYTES_MAX = 64 * 1024;
/** Longest text of a guest that goes into our log. */
const WORDS_MAX = 200;
const NEWLINE = 0x0a;
/** Begins an answer of guest-sync-delimited: whatever came before it was half a line. */
const SENTINEL = 0xff;

/** One answer of a guest's agent. */
export type AgentAnswer =
  | { readonly type: "return"; readonly value: unknown }
  /** `words` are the guest's own, shortened and without control characters. */
  | { readonly type: "error"; readonly words: string };

/** Cuts what a guest's agent sends into answers. Every byte is the guest's: bounded and checked. */
export class AgentLines {
  readonly #take: (answer: AgentAnswer) => void;
  #line: Buffer = Buffer.alloc(0);
  #bytes = 0;

  constructor(take: (answer: AgentAnswer) => void) {
    this.#take = take;
  }

  /** False when it sends more than an agent does: the connection is of no use then. */
  push(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    if (this.#bytes > BYTES_MAX) return false;
    const lines = splitAt(Buffer.concat([this.#line, chunk]), NEWLINE);
    this.#line = lines.pop() ?? this.#line;
    for (const line of lines) {
      if (line.length > LINE_BYTES_MAX) return false;
      const answer = readAnswer(line.subarray(line.lastIndexOf(SENTINEL) + 1).toString("utf8"));
      // What is no answer is left over from a conversation that nobody remembers.
      if (answer !== undefined) this.#take(answer);
    }
    return this.#line.length <= LINE_BYTES_MAX;
  }
}

function splitAt(bytes: Buffer, separator: number): Buffer[] {
  const parts: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(separator); end >= 0; end = bytes.indexOf(separator, start)) {
    parts.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return [...parts, bytes.subarray(start)];
}

function readAnswer(line: string): AgentAnswer | undefined {
  const value = asRecord(parse(line));
  if (value === undefined) return undefined;
  const error = asRecord(value["error"]);
  if (error !== undefined) return { type: "error", words: shown(error["desc"]) };
  return "return" in value ? { type: "return", value: value["return"] } : undefined;
}

function shown(description: unknown): string {
  const text = typeof description === "string" ? description : "an error without a description";
  return text.slice(0, WORDS_MAX).replace(/\p{Cc}/gu, " ");
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
