import { describe, expect, it } from "vitest";
import { Malformed } from "#lib/wire/malformed.ts";
import { validate } from "#lib/wire/validate.ts";
import { readMemberReport } from "#lib/wire/validate-member-report.ts";
import { readMessage } from "#lib/wire/validate-message.ts";

const standing = { draining: false, utilisation: 0.5, freeMemoryBytes: 1 };
const report = {
  ...{ type: "memberReport", incarnation: 1, seq: 2, standing, members: [], switch: [] },
  ...{ mayStage: ["web"], mayGo: [] },
};

describe("readMemberReport", () => {
  it("reads a report, and leaves out what it does not know", () => {
    expect(validate({ ...report, more: 1 }, readMemberReport)).toEqual(report);
    expect(readMessage(report)).toEqual(report);
  });

  it.each([
    ["no standing", { standing: null }],
    ["a standing that is none", { standing: { ...standing, utilisation: -1 } }],
    ["more turns than there are services", { mayStage: Array(121).fill("web") }],
    ["a long name", { mayGo: ["x".repeat(41)] }],
    ["a member that is none", { members: [{ service: "web" }] }],
    ["no number", { seq: -1 }],
  ])("refuses %s", (_, change) => {
    expect(readMessage({ ...report, ...change })).toBeInstanceOf(Malformed);
  });
});
