import { describe, expect, it } from "vitest";
import { LoadSeconds } from "../../../scripts/load/load-seconds.ts";

function counted(): LoadSeconds {
  const counts = new LoadSeconds(1_000);
  for (let i = 0; i < 100; i += 1) {
    counts.add({ dueMs: 1_000 + i, latencyMs: i + 1, loss: "" });
  }
  counts.add({ dueMs: 3_000, latencyMs: 2, loss: "ECONNREFUSED" });
  counts.add({ dueMs: 3_001, latencyMs: 1_200, loss: "timeout" });
  counts.add({ dueMs: 3_002, latencyMs: 7, loss: "" });
  return counts;
}

describe("LoadSeconds", () => {
  it("keeps a request in the second in which it was due", () => {
    const [quiet, full] = counted().seconds(0, 2);
    expect(quiet).toEqual({
      second: 0,
      requests: 0,
      ok: 0,
      lost: 0,
      p50Ms: null,
      p99Ms: null,
      maxMs: null,
    });
    expect(full).toMatchObject({ second: 1, requests: 100, ok: 100, p50Ms: 50, p99Ms: 99 });
  });

  it("lets no lost request look fast", () => {
    const [, , , some] = counted().seconds(0, 4);
    expect(some).toMatchObject({ requests: 3, ok: 1, lost: 2, p50Ms: 1_000, maxMs: 1_200 });
  });

  it("says what requests were lost by, within a part of the time", () => {
    expect(counted().totals().lostBy).toEqual({ ECONNREFUSED: 1, timeout: 1 });
    expect(counted().totals(0, 3_000)).toMatchObject({ requests: 100, lost: 0, lostBy: {} });
  });
});
