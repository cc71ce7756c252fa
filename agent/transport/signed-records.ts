import { type HostId, isHostId } from "#lib/model/ids.ts";
import { compareRecordVersions, type HostRecord } from "#lib/model/record.ts";
import { Malformed } from "#lib/wire/malformed.ts";
import { readRecord } from "#lib/wire/validate-record.ts";
import type { HostKeys } from "./host-keys.ts";
import { pack, unpack } from "./msgpack.ts";

/** Keeps a record's signature from meaning anything elsewhere. */
const SIGNING_CONTEXT = new TextEncoder().encode("evenkeel record v1\0");
const SIGNATURE_BYTES = 64;
/** One packed record: the largest inventory is well below, and a frame holds it with room to spare. */
const RECORD_BYTES_MAX = 192 * 1024;

/** A record as it travels: its host, its packed body, the host's signature over that. */
export type Envelope = readonly [host: HostId, bytes: Uint8Array, signature: Uint8Array];

/** Why a received envelope gave no record; "stale" is no fault of anybody. */
export type EnvelopeProblem = "malformed" | "oversized" | "signature" | "stale" | "too-many-hosts";

export interface SignedRecordsOptions {
  readonly self: HostId;
  readonly keys: HostKeys;
  /** Hosts whose newest records are remembered. */
  readonly hostsMax: number;
  /** True: a host beyond `hostsMax` is refused. False: the one longest unheard of is forgotten. */
  readonly refuseMoreHosts: boolean;
}

/** The newest envelope of a host, by kind, and the record that it was read into. */
interface Known {
  readonly envelope: Envelope;
  readonly record: HostRecord;
}
type KnownByKind = Map<HostRecord["kind"], Known>;

/**
 * Records between the core, where they are plain values, and the wire, where they are signed bytes.
 *
 * Why the bytes are kept: a record is signed once by its host, verified once by each other and
 * passed on as it came, so that nobody's packing has to agree byte for byte with another version's.
 * A record that came before gives the same object again without being verified again.
 */
export class SignedRecords {
  readonly #options: SignedRecordsOptions;
  readonly #envelopes = new WeakMap<HostRecord, Envelope>();
  readonly #known = new Map<HostId, KnownByKind>();
  #verified = 0;

  constructor(options: SignedRecordsOptions) {
    this.#options = options;
  }

  /** Signatures checked so far: what most of the CPU time of gossip goes into. */
  get verifiedCount(): number {
    return this.#verified;
  }

  /** The envelope of a record: signed now when it is our own, undefined when it never had one. */
  seal(record: HostRecord): Envelope | undefined {
    const known = this.#envelopes.get(record);
    if (known) return known;
    const { self, keys } = this.#options;
    if (record.host !== self) return undefined;
    const bytes = pack([record.kind, record.incarnation, record.seq, record.body]);
    const envelope: Envelope = [self, bytes, keys.sign(signedBytes(bytes))];
    this.#envelopes.set(record, envelope);
    return envelope;
  }

  /** The validated, verified record in an envelope from outside, or why there is none. */
  open(value: unknown): HostRecord | EnvelopeProblem {
    const envelope = readEnvelope(value);
    if (typeof envelope === "string") return envelope;
    const [host, bytes] = envelope;
    for (const known of this.#known.get(host)?.values() ?? []) {
      if (Buffer.compare(known.envelope[1], bytes) === 0) return known.record;
    }
    return this.#openNew(envelope);
  }

  #openNew(envelope: Envelope): HostRecord | EnvelopeProblem {
    const [host, bytes, signature] = envelope;
    const record = readBody(host, bytes);
    if (!record) return "malformed";
    const newest = this.#known.get(host)?.get(record.kind)?.record;
    if (newest && compareRecordVersions(record, newest) < 0) return "stale";
    if (!this.#known.has(host) && !this.#haveRoom()) return "too-many-hosts";
    this.#verified += 1;
    if (!this.#options.keys.verify(host, signedBytes(bytes), signature)) return "signature";
    this.#remember(record, envelope);
    return record;
  }

  #haveRoom(): boolean {
    return !this.#options.refuseMoreHosts || this.#known.size < this.#options.hostsMax;
  }

  #remember(record: HostRecord, envelope: Envelope): void {
    // Copies: what came in is a slice of a whole frame, which would stay alive with it.
    const kept: Envelope = [envelope[0], envelope[1].slice(), envelope[2].slice()];
    const byKind = this.#known.get(record.host) ?? new Map();
    byKind.set(record.kind, { envelope: kept, record });
    this.#envelopes.set(record, kept);
    this.#known.delete(record.host);
    this.#known.set(record.host, byKind);
    const oldest = this.#known.keys().next();
    if (this.#known.size > this.#options.hostsMax && !oldest.done) this.#known.delete(oldest.value);
  }
}

function readEnvelope(value: unknown): Envelope | "malformed" | "oversized" {
  if (!Array.isArray(value) || value.length !== 3) return "malformed";
  const [host, bytes, signature] = value;
  if (!isHostId(host) || !(bytes instanceof Uint8Array)) return "malformed";
  if (!(signature instanceof Uint8Array) || signature.length !== SIGNATURE_BYTES) {
    return "malformed";
  }
  return bytes.length > RECORD_BYTES_MAX ? "oversized" : [host, bytes, signature];
}

function readBody(host: HostId, bytes: Uint8Array): HostRecord | undefined {
  const value = unpack(bytes);
  if (!Array.isArray(value) || value.length !== 4) return undefined;
  const [kind, incarnation, seq, body] = value;
  const record = readRecord({ kind, host, incarnation, seq, body });
  return record instanceof Malformed ? undefined : record;
}

function signedBytes(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([SIGNING_CONTEXT, bytes]);
}
