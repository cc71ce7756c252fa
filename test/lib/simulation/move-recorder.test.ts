import { describe, expect, it } from "vitest";
import { MoveRecorder } from "#lib/simulation/move-recorder.ts";
import { simVmSpec } from "#lib/simulation/sim-cluster.ts";
import type { SimCopy } from "#lib/simulation/sim-copy.ts";
import type { SimFact } from "#lib/simulation/sim-fact.ts";

const moveId = "web.2.0123456789abcdef";

function copy(state: SimCopy["state"]): SimCopy {
  return {
    spec: simVmSpec("web"),
    state,
    moveId,
    boot: "",
    ranMs: 0,
    sinceMs: 0,
    imageUsed: false,
  };
}

function change(before: SimCopy | null, after: SimCopy | null): SimFact {
  return { type: "copyChanged", host: "h2", change: { vm: "web", before, after, cause: "order" } };
}

const line = JSON.stringify({ gain: 0.2, cost: 0.01, reason: "hot" });
const journaled: SimFact = {
  type: "persisted",
  host: "h1",
  entries: [{ key: `move/${moveId}`, value: line }],
};

describe("MoveRecorder", () => {
  it("tells why a move was made, once its VM runs at the target", () => {
    const recorder = new MoveRecorder(Number.POSITIVE_INFINITY);
    expect(recorder.observe(journaled)).toBeUndefined();
    expect(recorder.observe(change(null, copy("receiving")))).toBeUndefined();
    expect(recorder.observe(change(copy("receiving"), copy("received")))).toBeUndefined();
    const plan = recorder.observe(change(copy("received"), copy("running")));
    expect(plan).toEqual({ gain: 0.2, cost: 0.01, reason: "hot" });
    expect(recorder.done).toBe(1);
    // The source runs on after a move that failed: no move was made.
    expect(recorder.observe(change(copy("sending"), copy("running")))).toBeUndefined();
    expect(recorder.done).toBe(1);
  });

  it("admits no more moves than it may, those under way among them", () => {
    const recorder = new MoveRecorder(1);
    expect(recorder.admissionRefusal(moveId, 0)).toBeNull();
    expect(recorder.admissionRefusal("b.2.0", 1)).toBe("the simulation grants no more moves");
    recorder.observe(change(null, copy("receiving")));
    expect(recorder.admissionRefusal("b.2.0", 60_000)).not.toBeNull();
    recorder.observe(change(copy("received"), copy("running")));
    expect(recorder.admissionRefusal("b.2.0", 60_001)).not.toBeNull();
  });

  it("gives the place of a move that came to nothing to another", () => {
    const recorder = new MoveRecorder(1);
    recorder.admissionRefusal(moveId, 0);
    recorder.observe(change(null, copy("receiving")));
    recorder.observe(change(copy("receiving"), null));
    expect(recorder.admissionRefusal("b.2.0", 1)).toBeNull();
    // This one never gets as far as a copy: it lapses.
    expect(recorder.admissionRefusal("c.2.0", 9_000)).not.toBeNull();
    expect(recorder.admissionRefusal("c.2.0", 11_000)).toBeNull();
  });

  it("counts refusals when they are sent", () => {
    const recorder = new MoveRecorder(0);
    const message = { type: "refuse", moveId, reason: "", summary: {} as never } as const;
    recorder.observe({ type: "sent", host: "h2", message });
    expect(recorder.refusals).toBe(1);
  });
});
