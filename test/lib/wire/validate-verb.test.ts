import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Malformed } from "#lib/wire/malformed.ts";
import { readVerb, readVerbResult } from "#lib/wire/validate-verb.ts";
import { verb, verbResult } from "../../support/wire-arbitraries.ts";
import { withOneFault } from "../../support/with-one-fault.ts";

describe("readVerb()", () => {
  it("gives every valid verb back as it is", () => {
    fc.assert(
      fc.property(verb, (valid) => {
        expect(readVerb(valid)).toEqual(valid);
      }),
    );
  });

  it.each([
    { value: { verb: "reboot", vm: "a" }, path: "verb" },
    { value: { verb: "mode", mode: "maybe" }, path: "mode" },
    { value: { verb: "drain", host: "a b" }, path: "host" },
    { value: { verb: "stop", vm: "a" }, path: "force" },
    { value: { verb: "start", vm: "A" }, path: "vm" },
    { value: { verb: "define", spec: { name: "a" } }, path: "spec.vcpus" },
    { value: { verb: "resolve", vm: "a", decision: "run-here" }, path: "fenced" },
  ])("names $path in $value", ({ value, path }) => {
    expect(readVerb(value)).toMatchObject({ path });
  });

  it("never throws", () => {
    fc.assert(
      fc.property(verb, fc.nat(), fc.anything(), (valid, place, fault) => {
        const read = readVerb(withOneFault(valid, place, fault));
        if (!(read instanceof Malformed)) expect(readVerb(read)).toEqual(read);
      }),
    );
  });
});

describe("readVerbResult()", () => {
  it("gives every valid result back as it is", () => {
    fc.assert(
      fc.property(verbResult, (valid) => {
        expect(readVerbResult(valid)).toEqual(valid);
      }),
    );
  });

  it("refuses what is no HTTP status", () => {
    const result = { status: 99, message: "", data: null, moveId: null };
    expect(readVerbResult(result)).toMatchObject({ path: "status" });
  });
});
