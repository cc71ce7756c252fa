import { describe, expect, it } from "vitest";
import { forgottenSourceAnswer, forgottenTargetAnswer } from "#lib/core/forgotten-answer.ts";
import type { Guest } from "#lib/core/guest-table.ts";
import type { MoveOutcome } from "#lib/model/move-outcome.ts";

const moveId = "web.2.0123456789abcdef";

function outcome(result: MoveOutcome["result"], from: string, to: string): MoveOutcome {
  return { moveId, result, from, to } as MoveOutcome;
}

function owning(version: number, copy: Guest["copy"] = "running"): Guest {
  return { owned: { version }, copy } as Guest;
}

describe("forgottenSourceAnswer", () => {
  const asked = (guest: Guest | undefined, ...history: MoveOutcome[]) =>
    forgottenSourceAnswer({ moveId, self: "a", guest, history });

  it("presumes an abort while it owns the VM", () => {
    expect(asked(owning(1))).toBe("aborted");
    expect(asked(undefined)).toBe("unknown");
  });

  it("remembers its own abort after the VM has gone on, and nobody else's", () => {
    expect(asked(undefined, outcome("aborted", "a", "b"))).toBe("aborted");
    expect(asked(undefined, outcome("aborted", "b", "a"))).toBe("unknown");
    expect(asked(undefined, outcome("moved", "a", "b"))).toBe("unknown");
  });
});

describe("forgottenTargetAnswer", () => {
  const asked = (guest: Guest | undefined, ...history: MoveOutcome[]) =>
    forgottenTargetAnswer({ moveId, self: "b", guest, history });

  it("says what became of a VM that it owns", () => {
    expect(asked(owning(2))).toBe("running");
    expect(asked(owning(2, null))).toBe("ran");
    expect(asked(owning(1))).toBe("unknown");
  });

  it("says that it ran where an operator had it booted anew, and never that it did not", () => {
    expect(asked(undefined, outcome("resolved", "a", "b"))).toBe("ran");
    expect(asked(undefined, outcome("resolved", "b", "a"))).toBe("unknown");
    expect(asked(undefined, outcome("aborted", "a", "b"))).toBe("unknown");
  });
});
