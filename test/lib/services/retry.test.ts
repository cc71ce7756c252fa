import { expect, test } from "vitest";
import { Retry } from "#lib/services/retry.ts";

test("Retry doubles its waits up to the bound, and begins anew after a success", () => {
  const retry = new Retry({ retryMsMin: 100, retryMsMax: 1_000 });
  expect(retry.due(0)).toBe(true);
  const waits = [1, 2, 3, 4, 5, 6].map(() => {
    retry.failed(5_000);
    return (retry.atMs ?? 0) - 5_000;
  });
  expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  expect(retry.due(5_999)).toBe(false);
  expect(retry.due(6_000)).toBe(true);
  retry.succeeded();
  expect(retry.atMs).toBe(undefined);
  retry.failed(0);
  expect(retry.atMs).toBe(100);
});
