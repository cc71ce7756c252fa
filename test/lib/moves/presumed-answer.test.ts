import { describe, expect, it } from "vitest";
import { presumedSourceAnswer, presumedTargetAnswer } from "#lib/moves/presumed-answer.ts";
import { moveId } from "../../support/move-fixture.ts";

describe("presumedSourceAnswer()", () => {
  it.each([
    { name: "owns the version that the move starts from", owned: 7, answer: "aborted" },
    { name: "owns a later one", owned: 9, answer: "aborted" },
    { name: "owns an older one, which proves nothing", owned: 6, answer: "unknown" },
    { name: "does not own the VM", owned: undefined, answer: "unknown" },
  ])("of a source that $name is $answer", ({ owned, answer }) => {
    expect(presumedSourceAnswer(moveId, owned)).toBe(answer);
  });

  it("is unknown for what is no move id", () => {
    expect(presumedSourceAnswer("web.0.00112233445566aa", 7)).toBe("unknown");
  });
});

describe("presumedTargetAnswer()", () => {
  it.each([
    { name: "owns the version that the move made", owned: 8, lives: true, answer: "running" },
    { name: "owns it, and its copy stopped", owned: 8, lives: false, answer: "ran" },
    { name: "owns a later one", owned: 11, lives: true, answer: "running" },
    { name: "owns an older one", owned: 7, lives: true, answer: "unknown" },
    { name: "does not own the VM", owned: undefined, lives: true, answer: "unknown" },
  ])("of a target that $name is $answer, and never refused", ({ owned, lives, answer }) => {
    expect(presumedTargetAnswer(moveId, owned, lives)).toBe(answer);
  });

  it("is unknown for what is no move id", () => {
    expect(presumedTargetAnswer("web", 8, true)).toBe("unknown");
  });
});
