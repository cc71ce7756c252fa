import { describe, expect, it } from "vitest";
import { TargetPromise } from "#lib/moves/target-promise.ts";
import { plain, targetSays } from "../../support/move-fixture.ts";

describe("TargetPromise", () => {
  it("is owed once bytes may have gone, and after a restart, which does not know", () => {
    expect(new TargetPromise(false).isOwed(false)).toBe(false);
    expect(new TargetPromise(false).isOwed(true)).toBe(true);
    expect(new TargetPromise(true).isOwed(false)).toBe(true);
  });

  it.each([
    ["refused", false],
    ["unknown", false],
    ["held", true],
    ["busy", true],
    ["running", true],
    ["ran", true],
  ] as const)("after the answer %s is still owed: %s", (answer, owed) => {
    const promise = new TargetPromise(true);
    promise.hear(plain("held"));
    promise.hear(targetSays(answer));
    expect(promise.isOwed(true)).toBe(owed);
  });

  it("is given by an operator who vouches for a fenced target", () => {
    const promise = new TargetPromise(true);
    promise.vouch();
    expect(promise.isOwed(true)).toBe(false);
  });
});
