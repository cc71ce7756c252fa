import type { HostRecord } from "#lib/model/record.ts";
import { wireLimits } from "#lib/wire/limits.ts";
import { Malformed } from "#lib/wire/malformed.ts";
import type { DeltaMessage, Message } from "#lib/wire/messages.ts";
import { readMessage } from "#lib/wire/validate-message.ts";
import { pack, unpack } from "./msgpack.ts";
import type { Envelope, EnvelopeProblem, SignedRecords } from "./signed-records.ts";

/** Room in a packet for everything but records and documents: wants, verdicts, names of fields. */
const DELTA_OVERHEAD_BYTES = 1024;
/** Room for what msgpack and the envelope add to a record's or document's own bytes. */
const ITEM_OVERHEAD_BYTES = 256;

/** A received message, and the records in it that were left out, by reason. */
export interface Decoded {
  readonly message: Message;
  readonly problems: readonly EnvelopeProblem[];
}

/** What could not be sent, for the counters. */
export interface Encoded {
  readonly packets: readonly Uint8Array[];
  readonly leftOut: number;
}

/** Messages to bytes and back; nothing that is not valid and verified comes out of `decode`. */
export class Codec {
  readonly #records: SignedRecords;

  constructor(records: SignedRecords) {
    this.#records = records;
  }

  /**
   * The packets of a message, each at most `bytesMax`: one, but for a delta whose records do not
   * fit together. A record or document too large by itself, or without a signature, is left out.
   */
  encode(message: Message, bytesMax: number): Encoded {
    return message.type === "delta"
      ? this.#encodeDelta(message, bytesMax)
      : packAll([message], bytesMax, 0);
  }

  #encodeDelta(message: DeltaMessage, bytesMax: number): Encoded {
    const { ages, ...others } = message;
    const base = { ...others, records: [] as Envelope[], documents: [] as unknown[] };
    const baseBytes = DELTA_OVERHEAD_BYTES + pack(base).length;
    const parts = new Parts(bytesMax, base, baseBytes);
    let unsealed = 0;
    for (const [index, record] of message.records.entries()) {
      const envelope = this.#records.seal(record);
      if (envelope) parts.addRecord(envelope, ages && (ages[index] ?? 0));
      else unsealed += 1;
    }
    for (const document of message.documents) {
      parts.addDocument(document, Buffer.byteLength(document.value));
    }
    return packAll(parts.all, bytesMax, unsealed + parts.leftOut);
  }

  /** Undefined when the bytes are no MessagePack. */
  decode(bytes: Uint8Array): Decoded | Malformed {
    const value = unpack(bytes);
    if (value === undefined) return new Malformed("", "a MessagePack value");
    if (!isDeltaLike(value)) return withoutProblems(readMessage(value));
    if (value.records.length > wireLimits.recordsMax) {
      return new Malformed("records", `at most ${wireLimits.recordsMax}`);
    }
    const message = readMessage({ ...value, records: [] });
    if (message instanceof Malformed) return message;
    if (message.type !== "delta") return new Malformed("type", "a delta");
    const opened = value.records.map((envelope) => this.#records.open(envelope));
    // The verified objects themselves: their bytes are found by identity when they are passed on.
    const records = opened.filter((item): item is HostRecord => typeof item !== "string");
    const problems = opened.filter((item) => typeof item === "string");
    return { message: { ...withoutAges(message), records, ...agesOf(message, opened) }, problems };
  }
}

function withoutAges({ ages: _ages, ...delta }: DeltaMessage): DeltaMessage {
  return delta;
}

/** The ages of those records that came through; none when there is not one for each. */
function agesOf({ ages }: DeltaMessage, opened: readonly unknown[]): { ages?: readonly number[] } {
  if (ages?.length !== opened.length) return {};
  return { ages: ages.filter((_, index) => typeof opened[index] !== "string") };
}

/** Spreads items over as many deltas as they need; what else a delta says goes with the first. */
class Parts {
  readonly all: Part[];
  leftOut = 0;
  readonly #bytesMax: number;
  #roomBytes: number;

  constructor(bytesMax: number, base: DeltaBase, baseBytes: number) {
    this.#bytesMax = bytesMax;
    this.all = [base];
    this.#roomBytes = bytesMax - baseBytes;
  }

  /** `ageMs` for each record of a delta, or for none. */
  addRecord(envelope: Envelope, ageMs: number | undefined): void {
    const part = this.#partWithRoom(envelope[1].length);
    part?.records.push(envelope);
    if (!part || ageMs === undefined) return;
    part.ages ??= [];
    part.ages.push(ageMs);
  }

  addDocument(document: unknown, valueBytes: number): void {
    this.#partWithRoom(valueBytes)?.documents.push(document);
  }

  #partWithRoom(itemBytes: number): Part | undefined {
    const bytes = itemBytes + ITEM_OVERHEAD_BYTES;
    if (bytes > this.#bytesMax - DELTA_OVERHEAD_BYTES) {
      this.leftOut += 1;
      return undefined;
    }
    if (bytes > this.#roomBytes) {
      this.all.push(emptyDelta());
      this.#roomBytes = this.#bytesMax - DELTA_OVERHEAD_BYTES;
    }
    this.#roomBytes -= bytes;
    return this.all.at(-1);
  }
}

interface Part {
  readonly records: Envelope[];
  readonly documents: unknown[];
  ages?: number[];
}

type DeltaBase = Omit<DeltaMessage, "records" | "documents" | "ages"> & {
  records: Envelope[];
  documents: unknown[];
};

function emptyDelta(): DeltaBase {
  return { type: "delta", records: [], documents: [], verdicts: [], wants: [], wantsDocuments: [] };
}

function packAll(values: readonly unknown[], bytesMax: number, leftOut: number): Encoded {
  const packets = values.map(pack);
  const fitting = packets.filter((packet) => packet.length <= bytesMax);
  return { packets: fitting, leftOut: leftOut + packets.length - fitting.length };
}

function isDeltaLike(value: unknown): value is { type: "delta"; records: unknown[] } {
  if (typeof value !== "object" || value === null) return false;
  return (
    "type" in value && value.type === "delta" && "records" in value && Array.isArray(value.records)
  );
}

function withoutProblems(message: Message | Malformed): Decoded | Malformed {
  if (message instanceof Malformed) return message;
  // A delta without a list of records has nothing that was verified.
  return message.type === "delta" && message.records.length > 0
    ? new Malformed("records", "signed envelopes")
    : { message, problems: [] };
}
