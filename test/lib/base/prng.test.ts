import fc from "fast-check";
import { expect, test } from "vitest";
import { hashText, Prng } from "#lib/base/prng.ts";
import { mean } from "#lib/base/stats.ts";

test("Prng gives the same sequence for the same seed, and another for another", () => {
  const draw = (seed: number | string) => {
    const prng = new Prng(seed);
    return Array.from({ length: 8 }, () => prng.nextUint32());
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw("00ff")).toEqual(draw("00ff"));
  expect(draw(7)).not.toEqual(draw(8));
  expect(draw("00ff")).not.toEqual(draw("00fe"));
  // Pinned: a change of the generator would silently change every recorded seed.
  expect(draw(1)).toMatchInlineSnapshot(`
    [
      2420951833,
      2513034076,
      3847892949,
      4064752930,
      1169703512,
      1317941441,
      2551256358,
      1943867441,
    ]
  `);
});

test("Prng.nextShare() is spread evenly over 0 to 1", () => {
  const prng = new Prng(1);
  const shares = Array.from({ length: 20_000 }, () => prng.nextShare());
  expect(mean(shares)).toBeCloseTo(0.5, 2);
  const tenths = new Array<number>(10).fill(0);
  for (const share of shares)
    tenths[Math.floor(share * 10)] = (tenths[Math.floor(share * 10)] ?? 0) + 1;
  for (const count of tenths) expect(Math.abs(count - 2000)).toBeLessThan(200);
});

test("Prng.nextInt() stays under its limit and refuses an impossible one", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 2 ** 32 }), (seed, limit) => {
      const drawn = new Prng(seed).nextInt(limit);
      expect(Number.isInteger(drawn) && drawn >= 0 && drawn < limit).toBe(true);
    }),
  );
  expect(() => new Prng(1).nextInt(0)).toThrow("nextInt(0)");
});

test("Prng.sample() draws distinct elements and leaves the list alone", () => {
  fc.assert(
    fc.property(fc.integer(), fc.uniqueArray(fc.integer()), fc.nat(20), (seed, list, count) => {
      const before = [...list];
      const drawn = new Prng(seed).sample(list, count);
      expect(list).toEqual(before);
      expect(new Set(drawn).size).toBe(Math.min(count, list.length));
      for (const item of drawn) expect(list).toContain(item);
    }),
  );
});

test("Prng.sample() gives each element the same chance", () => {
  const prng = new Prng(5);
  const counts = new Map<number, number>();
  for (let i = 0; i < 3000; i++) {
    for (const item of prng.sample([1, 2, 3, 4, 5, 6], 2)) {
      counts.set(item, (counts.get(item) ?? 0) + 1);
    }
  }
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(120);
});

test("Prng.shuffle() keeps all elements; pick() of nothing is undefined", () => {
  const prng = new Prng(3);
  expect(prng.shuffle([3, 1, 2]).sort()).toEqual([1, 2, 3]);
  expect(prng.pick([])).toBeUndefined();
  expect(prng.pick(["a"])).toBe("a");
});

test("Prng.hex() gives as many hex digits as asked for", () => {
  for (const digits of [0, 1, 8, 16, 33]) {
    expect(new Prng("seed").hex(digits)).toMatch(new RegExp(`^[0-9a-f]{${digits}}$`));
  }
});

test("hashText() tells near texts apart in its low bits", () => {
  const lows = new Set(Array.from({ length: 64 }, (_, i) => hashText(`vm-${i}`) % 64));
  expect(lows.size).toBeGreaterThan(30);
});
