import { Packr, Unpackr } from "msgpackr";

// No shared structures: every packet stands alone, so that a lost one cannot garble the next.
// References between values are refused: a cycle from outside would never end in a validator.
const packr = new Packr({ useRecords: true, structuredClone: false });
const unpackr = new Unpackr({ useRecords: true, structuredClone: false, int64AsType: "number" });

/** A plain value as MessagePack, in a buffer of its own. */
export function pack(value: unknown): Uint8Array {
  // The packer hands out slices of one large buffer, which a kept slice would keep alive.
  return Uint8Array.from(packr.pack(value));
}

/** The value in `bytes`, yet to be validated. Undefined when they are no MessagePack. */
export function unpack(bytes: Uint8Array): unknown {
  try {
    return unpackr.unpack(bytes);
  } catch {
    return undefined;
  }
}
