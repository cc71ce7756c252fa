import type { Malformed } from "./malformed.ts";
import { Finding, Reader } from "./reader.ts";

/** Runs one validator over a whole value: the value as it may be used, or what is wrong with it. */
export function validate<Value>(
  value: unknown,
  read: (reader: Reader) => Value,
): Value | Malformed {
  const finding = new Finding();
  const result = read(new Reader(value, finding));
  return finding.malformed ?? result;
}
