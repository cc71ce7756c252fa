import { assert } from "./assert.ts";

/**
 * The only source of chance under `lib/`: sfc32 (Chris Doty-Humphrey, PractRand), seeded through
 * splitmix32. The same seed gives the same sequence on every machine, so that a simulated run can
 * be replayed. Not for secrets: whoever sees some output can compute the rest.
 */
export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** A number counts as a 32-bit integer; a text may be of any length, every character counts. */
  constructor(seed: number | string) {
    const mix = splitmix32(typeof seed === "number" ? seed >>> 0 : hashText(seed));
    this.#a = mix();
    this.#b = mix();
    this.#c = mix();
    // The first outputs of sfc32 are still close to the seed.
    for (let i = 0; i < 12; i++) this.nextUint32();
  }

  /** 0 to 2^32 - 1. */
  nextUint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** 0 to just under 1. */
  nextShare(): number {
    return this.nextUint32() / 2 ** 32;
  }

  /** An integer from 0 to `limit` - 1. Throws AssertionError unless `limit` is 1 to 2^32. */
  nextInt(limit: number): number {
    assert(Number.isInteger(limit) && limit >= 1 && limit <= 2 ** 32, `nextInt(${limit})`);
    return Math.floor(this.nextShare() * limit);
  }

  /** One element at random; undefined of an empty list. */
  pick<Item>(list: readonly Item[]): Item | undefined {
    return list.length === 0 ? undefined : list[this.nextInt(list.length)];
  }

  /** A new array in random order (Fisher-Yates). */
  shuffle<Item>(list: readonly Item[]): Item[] {
    return this.sample(list, list.length);
  }

  /** `count` distinct elements in random order; all of them when the list is shorter. */
  sample<Item>(list: readonly Item[], count: number): Item[] {
    const pool = [...list];
    const wanted = Math.min(Math.max(0, count), pool.length);
    for (let i = 0; i < wanted; i++) {
      const j = i + this.nextInt(pool.length - i);
      const held = pool[i] as Item;
      pool[i] = pool[j] as Item;
      pool[j] = held;
    }
    pool.length = wanted;
    return pool;
  }

  /** Lower-case hex digits. */
  hex(digits: number): string {
    let text = "";
    while (text.length < digits) text += this.nextUint32().toString(16).padStart(8, "0");
    return text.slice(0, digits);
  }
}

function splitmix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) | 0;
  };
}

/** FNV-1a over the UTF-16 units of a text: 32 bits, the same on every host. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  // FNV's low bits are weak for texts that differ in their last character only.
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 12;
  return hash >>> 0;
}
