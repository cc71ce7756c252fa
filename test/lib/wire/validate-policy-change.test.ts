import { describe, expect, it } from "vitest";
import { Malformed } from "#lib/wire/malformed.ts";
import { validate } from "#lib/wire/validate.ts";
import { readPolicyChangeFields } from "#lib/wire/validate-policy-change.ts";

const read = (value: unknown) => validate(value, readPolicyChangeFields);

describe("readPolicyChangeFields()", () => {
  it("gives a change back as it is, and drops what it does not know", () => {
    const change = {
      pin: null,
      managed: false,
      priority: 0,
      shutdown: "leave",
      affinityGroup: "a",
    };
    expect(read({ ...change, colour: "red" })).toEqual(change);
    expect(read({})).toEqual({});
  });

  it.each([
    ["pin", "x".repeat(65)],
    ["ignore", null],
    ["managed", "no"],
    ["antiAffinityGroup", 7],
    ["priority", 101],
    ["priority", -1],
    ["shutdown", "reboot"],
  ])("refuses %s: %j", (path, value) => {
    const change = read({ [path]: value });
    expect(change).toBeInstanceOf(Malformed);
    expect(change).toMatchObject({ path });
  });
});
