import { describe, expect, it } from "vitest";
import { SkippedHosts } from "#lib/election/skipped-hosts.ts";

describe("SkippedHosts", () => {
  it("leaves a host alone for its time, and no longer", () => {
    const skipped = new SkippedHosts(1000);
    expect(skipped.has("QmA", 0)).toBe(false);
    skipped.add("QmA", 0);
    expect(skipped.has("QmA", 999)).toBe(true);
    expect(skipped.has("QmB", 999)).toBe(false);
    expect(skipped.has("QmA", 1000)).toBe(false);
  });

  it("counts from the last refusal", () => {
    const skipped = new SkippedHosts(1000);
    skipped.add("QmA", 0);
    skipped.add("QmA", 500);
    expect(skipped.has("QmA", 1499)).toBe(true);
  });

  it("remembers 256 hosts and forgets the earliest beyond", () => {
    const skipped = new SkippedHosts(1000);
    for (let i = 0; i <= 256; i += 1) skipped.add(`Qm${i}`, i);
    expect(skipped.has("Qm0", 300)).toBe(false);
    expect(skipped.has("Qm1", 300)).toBe(true);
    expect(skipped.has("Qm256", 300)).toBe(true);
  });
});
