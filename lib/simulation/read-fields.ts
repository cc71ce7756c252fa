import { SimulationInputError } from "./input-error.ts";

/** Longer names are refused: nobody could read them in a table. */
const nameLengthMax = 255;
/** Texts from a file are shown no longer than this. */
const shownLengthMax = 40;

export type Fields = Readonly<Record<string, unknown>>;

export interface NumberBounds {
  readonly min: number;
  readonly max: number;
  /** Taken where the field is absent; without it, absence is an error. */
  readonly byDefault?: number;
}

/** An object of a JSON file. `place` says where it stands, as in "nodes[3]". */
export function readObject(value: unknown, place: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new SimulationInputError(`${place}: expected an object {…}, found ${shown(value)}`);
}

export function readList(value: unknown, place: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new SimulationInputError(`${place}: expected a list […], found ${shown(value)}`);
}

/** A name as other platforms allow them: any text of one line that is not empty. */
export function readName(fields: Fields, key: string, place: string): string {
  const value = fields[key];
  const where = `${place}.${key}`;
  if (typeof value !== "string" || value === "") {
    throw new SimulationInputError(`${where}: expected a name, found ${shown(value)}`);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
  if (value.length > nameLengthMax || /[\u0000-\u001f\u007f]/.test(value)) {
    throw new SimulationInputError(
      `${where}: ${shown(value)} is no name: one line of at most ${nameLengthMax} characters is`,
    );
  }
  return value;
}

/** A finite number within its bounds. */
export function readNumber(
  fields: Fields,
  key: string,
  options: NumberBounds & { readonly place: string },
): number {
  const { place, min, max, byDefault } = options;
  const value = fields[key];
  if (value === undefined && byDefault !== undefined) return byDefault;
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw new SimulationInputError(
    `${place}.${key}: expected a number from ${min} to ${max}, found ${shown(value)}`,
  );
}

/** A value of a file in a message: short, and in one line. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > shownLengthMax ? `${text.slice(0, shownLengthMax)}…` : text;
}
