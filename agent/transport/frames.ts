/** Bytes of the length before each frame: unsigned, big-endian. */
const HEADER_BYTES = 4;

/** A frame of no bytes says only that its sender is there. */
export const keepAliveFrame: Uint8Array = new Uint8Array(HEADER_BYTES);

/** `payload` with its length before it. */
export function frameOf(payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + payload.length);
  new DataView(frame.buffer).setUint32(0, payload.length);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/**
 * Puts frames together again: a stream keeps no boundaries. Holds at most one unfinished frame.
 * After an oversized length nothing behind it can be trusted, so the reader takes no more.
 */
export class FrameReader {
  readonly #bytesMax: number;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerFilled = 0;
  #payload: Uint8Array | undefined;
  #payloadFilled = 0;
  #isBroken = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The frames that `chunk` completes, in order, or "oversized" when a length is over the limit. */
  push(chunk: Uint8Array): readonly Uint8Array[] | "oversized" {
    const frames: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.length && !this.#isBroken) {
      at += this.#payload
        ? this.#fillPayload(chunk, at, frames)
        : this.#fillHeader(chunk, at, frames);
    }
    return this.#isBroken ? "oversized" : frames;
  }

  #fillHeader(chunk: Uint8Array, at: number, frames: Uint8Array[]): number {
    const part = chunk.subarray(at, at + HEADER_BYTES - this.#headerFilled);
    this.#header.set(part, this.#headerFilled);
    this.#headerFilled += part.length;
    if (this.#headerFilled < HEADER_BYTES) return part.length;
    this.#headerFilled = 0;
    const length = new DataView(this.#header.buffer).getUint32(0);
    if (length > this.#bytesMax) this.#isBroken = true;
    else if (length === 0) frames.push(new Uint8Array(0));
    else this.#payload = new Uint8Array(length);
    return part.length;
  }

  #fillPayload(chunk: Uint8Array, at: number, frames: Uint8Array[]): number {
    const payload = this.#payload ?? new Uint8Array(0);
    const part = chunk.subarray(at, at + payload.length - this.#payloadFilled);
    payload.set(part, this.#payloadFilled);
    this.#payloadFilled += part.length;
    if (this.#payloadFilled === payload.length) {
      frames.push(payload);
      this.#payload = undefined;
      this.#payloadFilled = 0;
    }
    return part.length;
  }
}
