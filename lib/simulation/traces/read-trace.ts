import { SimulationInputError } from "../input-error.ts";
import { bitbrainsMagic, readBitbrainsTrace } from "./bitbrains-trace.ts";
import { readCsvTrace } from "./csv-trace.ts";
import { planetlabMagic, readPlanetlabTrace } from "./planetlab-trace.ts";
import type { Trace } from "./trace.ts";

/**
 * Reads a recording in any format that is known, by its first bytes; `textOf` decodes those of a
 * text. Throws SimulationInputError.
 */
export function readTrace(bytes: Uint8Array, textOf: (bytes: Uint8Array) => string): Trace {
  const magic = String.fromCharCode(...bytes.subarray(0, 4));
  if (magic === planetlabMagic) return readPlanetlabTrace(bytes);
  if (magic === bitbrainsMagic) return readBitbrainsTrace(bytes);
  if (bytes.length === 0) throw new SimulationInputError("the file is empty");
  if (bytes.subarray(0, 1_000).includes(0)) {
    throw new SimulationInputError(
      `it is neither text nor one of the packed formats ${planetlabMagic} and ${bitbrainsMagic}`,
    );
  }
  return readCsvTrace(textOf(bytes));
}
