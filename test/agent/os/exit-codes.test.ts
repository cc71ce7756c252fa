import { parseArgs } from "node:util";
import { describe, expect, it } from "vitest";
import { ConfigError } from "#agent/config/config-error.ts";
import { exitCodeOf } from "#agent/os/exit-codes.ts";
import {
  ClusterKeyError,
  IdentityError,
  JournalError,
  StateDirectoryError,
  StateWriteError,
} from "#agent/store/store-error.ts";
import { AssertionError } from "#lib/base/assert.ts";

describe("exitCodeOf()", () => {
  it.each([ConfigError, ClusterKeyError, IdentityError, StateDirectoryError])(
    "is 78 where only an admin can help: %o",
    (kind) => expect(exitCodeOf(new kind("x"))).toBe(78),
  );

  it("is 78 for a command line that cannot be read", () => {
    let thrown: unknown;
    try {
      parseArgs({ args: ["--bogus"], options: {} });
    } catch (error) {
      thrown = error;
    }
    expect(exitCodeOf(thrown)).toBe(78);
  });

  it.each([
    new JournalError("x"),
    new StateWriteError("x"),
    new AssertionError("x"),
    new Error("x"),
    "x",
    undefined,
  ])("is 1 where a restart may help: %s", (error) => expect(exitCodeOf(error)).toBe(1));
});
