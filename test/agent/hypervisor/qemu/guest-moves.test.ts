import { describe, expect, it } from "vitest";
import { settledVerdict } from "#agent/hypervisor/qemu/guest-moves.ts";

const MOVE = "web-1.2.0123456789abcdef";

describe("settledVerdict()", () => {
  it.each([
    ["own", "running", MOVE, "aborted"],
    ["own", "running", null, "aborted"],
    ["own", "postmigrate", MOVE, "open"],
    ["own", "paused", MOVE, "open"],
    ["own", "postmigrate", "web-1.1.0123456789abcdef", "in-doubt"],
    ["own", "postmigrate", null, "in-doubt"],
    ["own", "io-error", MOVE, "in-doubt"],
    ["incoming", "paused", MOVE, "in-doubt"],
    ["incoming", "inmigrate", MOVE, "in-doubt"],
    ["suspending", "postmigrate", MOVE, "in-doubt"],
  ] as const)("role %s, %s, last move %s: %s", (role, runState, moveId, verdict) => {
    expect(settledVerdict({ role, moveId }, runState, MOVE)).toBe(verdict);
  });
});
