import { SimulationInputError } from "../input-error.ts";

/** Reads little-endian figures from bytes, one after the other, and never beyond their end. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  uint16(what: string): number {
    return this.#view.getUint16(this.#skip(2, what), true);
  }

  uint32(what: string): number {
    return this.#view.getUint32(this.#skip(4, what), true);
  }

  float32(what: string): number {
    return this.#view.getFloat32(this.#skip(4, what), true);
  }

  /** The next bytes as they lie there. */
  bytes(count: number, what: string): Uint8Array {
    const start = this.#skip(count, what);
    return this.#bytes.subarray(start, start + count);
  }

  uint16s(count: number, what: string): Uint16Array {
    const start = this.#skip(2 * count, what);
    const values = new Uint16Array(count);
    for (let i = 0; i < count; i++) values[i] = this.#view.getUint16(start + 2 * i, true);
    return values;
  }

  /** Letters of one byte each. */
  latin(count: number, what: string): string {
    let text = "";
    for (const byte of this.bytes(count, what)) text += String.fromCharCode(byte);
    return text;
  }

  /** An integer within bounds, as a count must be. */
  count(what: string, max: number): number {
    const value = this.uint32(what);
    if (value >= 1 && value <= max) return value;
    throw new SimulationInputError(`${what}: expected 1 to ${max}, found ${value}`);
  }

  #skip(count: number, what: string): number {
    if (count > this.left) {
      throw new SimulationInputError(
        `the file ends after ${this.#bytes.length} bytes, in the middle of ${what}: it was cut off`,
      );
    }
    const start = this.#offset;
    this.#offset += count;
    return start;
  }
}
