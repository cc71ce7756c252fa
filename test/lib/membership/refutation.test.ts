import { describe, expect, it } from "vitest";
import { refutedIncarnation } from "#lib/membership/refutation.ts";

describe("refutedIncarnation()", () => {
  it.each([
    { name: "rises over an accusation at its own", own: 3, claim: [3, true], expected: 4 },
    { name: "rises over an accusation above its own", own: 3, claim: [7, true], expected: 8 },
    { name: "lets an old accusation pass", own: 3, claim: [2, true], expected: 3 },
    { name: "rises over one that it does not remember", own: 3, claim: [5, false], expected: 6 },
    { name: "stays at what is known of it", own: 3, claim: [3, false], expected: 3 },
    {
      name: "does not run after a number that it can never have had",
      own: 3,
      claim: [2e6, true],
      expected: 3,
    },
    { name: "stays over what is long past", own: 3, claim: [1, false], expected: 3 },
  ] as const)("$name", ({ own, claim: [incarnation, accused], expected }) => {
    expect(refutedIncarnation(own, { incarnation, accused })).toBe(expected);
  });
});
