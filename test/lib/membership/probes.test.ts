import { describe, expect, it } from "vitest";
import type { Probe } from "#lib/membership/probes.ts";
import { Probes } from "#lib/membership/probes.ts";

function probe(fields: Partial<Probe> = {}): Probe {
  return {
    nonce: 7,
    target: "b",
    kind: "full",
    startedAtMs: 0,
    helpers: null,
    timeoutMs: 500,
    prolonged: false,
    ...fields,
  };
}

describe("Probes", () => {
  it("is answered by its target with its nonce, by nobody else", () => {
    const probes = new Probes();
    probes.begin(probe(), 0);
    expect(probes.answeredBy("b", 8)).toBeUndefined();
    expect(probes.answeredBy("c", 7)).toBeUndefined();
    expect(probes.answeredBy("b", 7)?.target).toBe("b");
  });

  it("is answered by the helpers that were asked", () => {
    const probes = new Probes();
    probes.begin(probe({ helpers: ["c", "d"] }), 0);
    expect(probes.answeredBy("d", 7)?.target).toBe("b");
    expect(probes.answeredBy("e", 7)).toBeUndefined();
  });

  it("falls due once, unless it ended", () => {
    const probes = new Probes();
    probes.begin(probe(), 0);
    probes.begin(probe({ target: "c" }), 0);
    probes.end("c");
    expect(probes.nextMs()).toBe(500);
    expect(probes.due(499)).toEqual([]);
    expect(probes.due(500).map(({ target }) => target)).toEqual(["b"]);
    expect(probes.due(900)).toEqual([]);
  });

  it("gives an overdue phase one fresh chance", () => {
    const probes = new Probes();
    probes.begin(probe(), 0);
    probes.prolong(1500, 2000);
    expect(probes.due(2000)).toEqual([]);
    expect(probes.nextMs()).toBe(2500);
    probes.prolong(1500, 4000);
    expect(probes.due(4000)).toHaveLength(1);
  });

  it("leaves a phase that still runs as it is", () => {
    const probes = new Probes();
    probes.begin(probe(), 1900);
    probes.prolong(1500, 2000);
    expect(probes.nextMs()).toBe(2400);
  });
});
