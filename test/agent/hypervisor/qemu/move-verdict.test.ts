import { describe, expect, it } from "vitest";
import { settledVerdict } from "#agent/hypervisor/qemu/move-verdict.ts";

const MOVE = "web-1.2.0123456789abcdef";
const OTHER_MOVE = "web-1.1.0123456789abcdef";

describe("settledVerdict()", () => {
  it.each([
    ["own", "running", "failed", MOVE, "aborted"],
    ["own", "running", undefined, null, "aborted"],
    ["own", "postmigrate", "completed", MOVE, "open"],
    ["own", "paused", "cancelled", MOVE, "open"],
    ["own", "postmigrate", "completed", OTHER_MOVE, "in-doubt"],
    ["own", "postmigrate", "completed", null, "in-doubt"],
    ["own", "io-error", "completed", MOVE, "in-doubt"],
    // At the target: whole and never run, or run by an agent that died before it could say so.
    ["incoming", "paused", "completed", MOVE, "open"],
    ["incoming", "running", "completed", MOVE, "aborted"],
    ["incoming", "inmigrate", "failed", MOVE, "in-doubt"],
    ["incoming", "paused", "completed", OTHER_MOVE, "in-doubt"],
    ["incoming", "running", "completed", OTHER_MOVE, "in-doubt"],
    ["suspending", "postmigrate", "completed", MOVE, "in-doubt"],
  ] as const)("role %s, %s, %s, last move %s: %s", (...row) => {
    const [role, runState, migration, moveId, verdict] = row;
    expect(settledVerdict({ role, moveId }, { runState, migration }, MOVE)).toBe(verdict);
  });
});
