import fc from "fast-check";
import { expect, test } from "vitest";
import { MaxHeap } from "#lib/simulation/reference/max-heap.ts";

test("MaxHeap gives the highest first, of equals the lowest number", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 })), (values) => {
      const heap = new MaxHeap();
      for (const [item, value] of values.entries()) heap.push(item, value);
      expect(heap.size).toBe(values.length);
      const taken: { item: number; value: number }[] = [];
      for (let top = heap.pop(); top !== undefined; top = heap.pop()) taken.push(top);
      const sorted = [...values.entries()].sort(([a, x], [b, y]) => y - x || a - b);
      expect(taken).toEqual(sorted.map(([item, value]) => ({ item, value })));
    }),
  );
});

test("MaxHeap takes what is pushed between", () => {
  const heap = new MaxHeap();
  heap.push(1, 5);
  heap.push(2, 7);
  expect(heap.pop()).toEqual({ item: 2, value: 7 });
  heap.push(3, 6);
  expect(heap.pop()).toEqual({ item: 3, value: 6 });
  expect(heap.pop()).toEqual({ item: 1, value: 5 });
  expect(heap.pop()).toBeUndefined();
});
