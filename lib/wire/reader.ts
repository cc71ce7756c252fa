import { isHostId, isMoveId, isVmName } from "../model/ids.ts";
import { Malformed } from "./malformed.ts";

/** Largest figure of bytes, cores or ms that is believed: far over any machine, exact as a double. */
const FIGURE_MAX = Number.MAX_SAFE_INTEGER;
const NOTHING: Readonly<Record<string, unknown>> = Object.freeze({});
const NO_ITEMS: readonly unknown[] = Object.freeze([]);

/** The first problem found in one value from outside; readers of its parts share it. */
export class Finding {
  malformed: Malformed | null = null;
}

/**
 * Reads the fields of one object from outside. A field that is not as asked is noted in the
 * finding, and a harmless stand-in is returned, so that a validator is a plain list of fields that
 * ends with one question: `finding.malformed ?? value`. Nothing is thrown, no closure is made.
 *
 * Why no schema library: a record is validated each time one arrives, about 20 times a second on
 * every host, and `lib/` imports no packages.
 */
export class Reader {
  readonly #finding: Finding;
  readonly #parent: Reader | null;
  readonly #key: string;
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(value: unknown, finding: Finding, parent: Reader | null = null, key = "") {
    this.#finding = finding;
    this.#parent = parent;
    this.#key = key;
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    this.#fields = isObject ? (value as Record<string, unknown>) : NOTHING;
    if (!isObject) this.fail("", "an object");
  }

  /** Notes that `key` is not what was expected; only the first note counts. */
  fail(key: string, expected: string): void {
    this.#finding.malformed ??= new Malformed(this.#pathOf(key), `expected ${expected}`);
  }

  /** The names of this object's fields, as they came; none when it has more than `max`. */
  keys(max: number): readonly string[] {
    const keys = Object.keys(this.#fields);
    if (keys.length <= max) return keys;
    this.fail("", `at most ${max} fields`);
    return [];
  }

  object(key: string): Reader {
    return new Reader(this.#fields[key], this.#finding, this, key);
  }

  /** Null stays null. */
  objectOrNull(key: string): Reader | null {
    return this.#fields[key] === null ? null : this.object(key);
  }

  /** The items as they came; none when it is no list or has more than `max`. */
  list(key: string, max: number): readonly unknown[] {
    const value = this.#fields[key];
    if (Array.isArray(value) && value.length <= max) return value;
    this.fail(key, `a list of at most ${max}`);
    return NO_ITEMS;
  }

  /** A reader of one item of the list under `key`. */
  item(key: string, index: number, value: unknown): Reader {
    return new Reader(value, this.#finding, this, `${key}[${index}]`);
  }

  text(key: string, max: number): string {
    const value = this.#fields[key];
    if (typeof value === "string" && value.length <= max) return value;
    this.fail(key, `a text of at most ${max} characters`);
    return "";
  }

  /** A text that matches; the pattern bounds its length. */
  matching(key: string, pattern: RegExp, expected: string): string {
    const value = this.#fields[key];
    if (typeof value === "string" && pattern.test(value)) return value;
    this.fail(key, expected);
    return "";
  }

  textOrNull(key: string, max: number): string | null {
    return this.#fields[key] === null ? null : this.text(key, max);
  }

  texts(key: string, listMax: number, textMax: number): readonly string[] {
    const items = this.list(key, listMax);
    for (const item of items) {
      if (typeof item !== "string" || item.length > textMax) {
        this.fail(key, `texts of at most ${textMax} characters`);
        return [];
      }
    }
    return items.slice() as string[];
  }

  flag(key: string): boolean {
    const value = this.#fields[key];
    if (typeof value === "boolean") return value;
    this.fail(key, "true or false");
    return false;
  }

  /** True when the field is there, null or not. */
  has(key: string): boolean {
    return this.#fields[key] !== undefined;
  }

  /** A flag that an older agent does not send: false then. */
  flagIfAny(key: string): boolean {
    return this.#fields[key] !== undefined && this.flag(key);
  }

  /** A whole number from `min` to `max`. */
  count(key: string, min = 0, max = Number.MAX_SAFE_INTEGER): number {
    const value = this.#fields[key];
    if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) {
      return value as number;
    }
    this.fail(key, `a whole number from ${min} to ${max}`);
    return min;
  }

  /** A finite number that is not negative: bytes, cores, ms. */
  figure(key: string, max = FIGURE_MAX): number {
    const value = this.#fields[key];
    if (typeof value === "number" && value >= 0 && value <= max) return value;
    this.fail(key, `a number from 0 to ${max}`);
    return 0;
  }

  /** A text that an older agent does not send: null then. */
  textIfAny(key: string, max: number): string | null {
    return this.#fields[key] === undefined ? null : this.textOrNull(key, max);
  }

  /** A list that an older agent does not send: empty then. */
  listIfAny(key: string, max: number): readonly unknown[] {
    return this.#fields[key] === undefined ? NO_ITEMS : this.list(key, max);
  }

  /** A figure that an older agent does not send: null then. */
  figureIfAny(key: string): number | null {
    return this.#fields[key] === undefined ? null : this.figureOrNull(key);
  }

  figureOrNull(key: string): number | null {
    return this.#fields[key] === null ? null : this.figure(key);
  }

  /** A finite number of either sign: gains and costs. */
  signed(key: string): number {
    const value = this.#fields[key];
    if (typeof value === "number" && value >= -FIGURE_MAX && value <= FIGURE_MAX) return value;
    this.fail(key, "a finite number");
    return 0;
  }

  /** One of a closed set of words. */
  word<Word extends string>(key: string, words: ReadonlySet<Word>): Word {
    const value = this.#fields[key] as Word;
    if (words.has(value)) return value;
    this.fail(key, `one of ${[...words].join(", ")}`);
    return "" as Word;
  }

  host(key: string): string {
    const value = this.#fields[key];
    if (isHostId(value)) return value;
    this.fail(key, "a host id");
    return "";
  }

  /** Host ids; none when one of them is not. */
  hosts(key: string, max: number): readonly string[] {
    const items = this.list(key, max);
    if (items.every(isHostId)) return items.slice() as string[];
    this.fail(key, "host ids");
    return [];
  }

  vm(key: string): string {
    const value = this.#fields[key];
    if (isVmName(value)) return value;
    this.fail(key, "a VM name");
    return "";
  }

  move(key: string): string {
    const value = this.#fields[key];
    if (isMoveId(value)) return value;
    this.fail(key, "a move id");
    return "";
  }

  /** True for a field that an older agent does not send. */
  isMissing(key: string): boolean {
    return this.#fields[key] === undefined;
  }

  isNull(key: string): boolean {
    return this.#fields[key] === null;
  }

  hostOrNull(key: string): string | null {
    return this.#fields[key] === null ? null : this.host(key);
  }

  moveOrNull(key: string): string | null {
    return this.#fields[key] === null ? null : this.move(key);
  }

  #pathOf(key: string): string {
    const own = this.#parent ? this.#parent.#pathOf(this.#key) : this.#key;
    return own && key ? `${own}.${key}` : own || key;
  }
}
