import { describe, expect, it } from "vitest";
import { copyStateOf, isTransferring } from "#agent/hypervisor/qemu/copy-state.ts";

describe("copyStateOf()", () => {
  it.each([
    ["running", undefined, "own", "running"],
    ["running", "failed", "own", "running"],
    ["running", "cancelled", "own", "running"],
    ["running", "active", "own", "sending"],
    ["running", "completed", "incoming", "running"],
    ["finish-migrate", "device", "own", "sending"],
    ["postmigrate", "completed", "own", "sent"],
    ["paused", "active", "own", "sending"],
    ["paused", "failed", "own", "paused"],
    ["paused", undefined, "own", "paused"],
    ["io-error", undefined, "own", "paused"],
    ["inmigrate", undefined, "incoming", "receiving"],
    ["inmigrate", "active", "incoming", "receiving"],
    ["paused", "completed", "incoming", "received"],
    ["paused", "failed", "incoming", "receiving"],
    ["prelaunch", undefined, "incoming", "receiving"],
    ["running", "active", "suspending", "running"],
    ["postmigrate", "completed", "suspending", "paused"],
    ["paused", "completed", "resuming", "paused"],
  ] as const)("%s with migration %s and role %s is %s", (runState, migration, role, expected) => {
    expect(copyStateOf({ runState, migration }, role)).toBe(expected);
  });
});

describe("isTransferring()", () => {
  it.each([undefined, "none", "completed", "failed", "cancelled"])("is false for %s", (status) => {
    expect(isTransferring(status)).toBe(false);
  });
});
