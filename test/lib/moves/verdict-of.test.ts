import { describe, expect, it } from "vitest";
import { verdictOf } from "#lib/moves/verdict-of.ts";

describe("verdictOf()", () => {
  it("reads the hypervisor's verdict, and leaves in doubt what could not be read", () => {
    expect(verdictOf({ ok: true, value: { verdict: "gone" } })).toBe("gone");
    expect(verdictOf({ ok: false, code: "QMP_CLOSED", message: "no answer" })).toBe("in-doubt");
  });
});
