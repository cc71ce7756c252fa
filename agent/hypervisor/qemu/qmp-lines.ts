/** Longest line that QEMU may send; query-machines needs about 100 kB. */
const LINE_BYTES_MAX = 4 << 20;
const NEWLINE = 0x0a;

export type QmpMessage =
  | { readonly type: "greeting" }
  | {
      readonly type: "event";
      readonly name: string;
      readonly data: Readonly<Record<string, unknown>>;
    }
  | { readonly type: "return"; readonly id: number; readonly value: unknown }
  | { readonly type: "error"; readonly id: number; readonly description: string };

/** Cuts a monitor's bytes into messages, with a bound on what it keeps. */
export class QmpLines {
  readonly #take: (message: QmpMessage) => void;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(take: (message: QmpMessage) => void) {
    this.#take = take;
  }

  /** False when the bytes are not QMP or a line is too long: the connection is of no use then. */
  push(chunk: Buffer): boolean {
    let rest = chunk;
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      const line = Buffer.concat([...this.#parts, rest.subarray(0, end)]).toString("utf8");
      this.#parts = [];
      this.#bytes = 0;
      rest = rest.subarray(end + 1);
      if (line.trim() === "") continue;
      const message = readQmpMessage(line);
      if (message === undefined) return false;
      this.#take(message);
    }
    if (rest.length > 0) this.#parts.push(rest);
    this.#bytes += rest.length;
    return this.#bytes <= LINE_BYTES_MAX;
  }
}

/** One line of QMP; undefined when it is none. */
function readQmpMessage(line: string): QmpMessage | undefined {
  const value = asRecord(parse(line));
  if (value === undefined) return undefined;
  if (value["QMP"] !== undefined) return { type: "greeting" };
  if (typeof value["event"] === "string") {
    return { type: "event", name: value["event"], data: asRecord(value["data"]) ?? {} };
  }
  // An error about a line that QEMU could not parse carries no id; nobody waits for it.
  const id = typeof value["id"] === "number" ? value["id"] : -1;
  const error = asRecord(value["error"]);
  if (error !== undefined) {
    return { type: "error", id, description: String(error["desc"] ?? "unknown error") };
  }
  return "return" in value ? { type: "return", id, value: value["return"] } : undefined;
}

/** A JSON object as a record; undefined for anything else. */
export function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
