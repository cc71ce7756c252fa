import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deltaOf } from "#lib/core/gossip-messages.ts";
import { wireLimits } from "#lib/wire/limits.ts";
import { Malformed } from "#lib/wire/malformed.ts";
import { readMessage } from "#lib/wire/validate-message.ts";
import { message } from "../../support/wire-arbitraries.ts";
import { withOneFault } from "../../support/with-one-fault.ts";

function problemOf(value: unknown): string {
  const read = readMessage(value);
  return read instanceof Malformed ? `${read.path}: ${read.problem}` : "accepted";
}

describe("readMessage()", () => {
  it("gives every valid message back as it is", () => {
    fc.assert(
      fc.property(message, (valid) => {
        expect(readMessage(valid)).toEqual(valid);
      }),
      { numRuns: 500 },
    );
  });

  it("never throws, whatever comes", () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withMap: true, withNullPrototype: true }),
        (any) => {
          expect(readMessage(any)).toBeInstanceOf(Malformed);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("never throws, and hands nothing strange through, when one part of a message is broken", () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.anything(), (valid, place, fault) => {
        const read = readMessage(withOneFault(valid, place, fault));
        if (!(read instanceof Malformed)) expect(readMessage(read)).toEqual(read);
      }),
      { numRuns: 1000 },
    );
  });

  it("drops unknown fields", () => {
    const probe = { type: "probe", nonce: 1, incarnation: 0, suspected: false };
    expect(readMessage({ ...probe, extra: { deep: [1] } })).toEqual(probe);
  });

  it("lets a word go on a few hops only", () => {
    const delta = deltaOf({ hops: wireLimits.hopsMax });
    expect(readMessage(delta)).toEqual(delta);
    for (const hops of [0, wireLimits.hopsMax + 1, 1.5, "2"]) {
      expect(problemOf({ ...delta, hops })).toContain("hops: ");
    }
  });

  const verdict = { host: "QmHostA", incarnation: 0, state: "dead", by: "QmHostB" };
  const digest = { type: "digest", entries: [], documents: [], verdicts: [] };
  const many = (value: unknown, count: number) => Array.from({ length: count }, () => value);

  it.each([
    { name: "no object", value: "probe", expected: ": expected an object" },
    { name: "a list", value: [], expected: ": expected an object" },
    { name: "an unknown type", value: { type: "hello" }, expected: "type: expected one of probe" },
    { name: "a type of the prototype", value: { type: "__proto__" }, expected: "type: expected" },
    {
      name: "a negative nonce",
      value: { type: "ack", nonce: -1, incarnation: 0 },
      expected: "nonce: expected a whole number from 0",
    },
    {
      name: "an incarnation that is not a number",
      value: { type: "ack", nonce: 1, incarnation: Number.NaN },
      expected: "incarnation: expected a whole number",
    },
    {
      name: "a host id that is none",
      value: { type: "indirectProbe", nonce: 1, target: "../etc" },
      expected: "target: expected a host id",
    },
    {
      name: "a broken item of a list, by its place",
      value: { ...digest, verdicts: [verdict, { ...verdict, state: "alive" }] },
      expected: "verdicts[1].state: expected one of suspect, dead",
    },
    {
      name: "one verdict too many",
      value: { ...digest, verdicts: many(verdict, wireLimits.verdictsMax + 1) },
      expected: "verdicts: expected a list of at most 64",
    },
    {
      name: "one digest entry too many",
      value: { ...digest, entries: many(["QmHostA", 0, 0, 0, 0], wireLimits.digestEntriesMax + 1) },
      expected: "entries: expected a list of at most 256",
    },
    {
      name: "a digest entry below -1",
      value: { ...digest, entries: [["QmHostA", 0, -2, 0, 0]] },
      expected: "entries: expected entries of",
    },
    {
      name: "a digest entry of four",
      value: { ...digest, entries: [["QmHostA", 0, 0, 0]] },
      expected: "entries: expected entries of",
    },
    {
      name: "a move id with a path in it",
      value: { type: "grant", moveId: "../x.1.0123456789abcdef" },
      expected: "moveId: expected a move id",
    },
    {
      name: "a reason that is too long",
      value: { type: "abort", moveId: "a.1.0123456789abcdef", reason: "x".repeat(513) },
      expected: "reason: expected a text of at most 512 characters",
    },
    {
      name: "an exchange id that is none",
      value: { type: "exchangeOver", exchangeId: "x".repeat(16) },
      expected: "exchangeId: expected 16 hex digits",
    },
    {
      name: "memory held for ever",
      value: { type: "exchange", exchangeId: "0123456789abcdef", holdMs: Number.POSITIVE_INFINITY },
      expected: "give: expected an object",
    },
    {
      name: "a VM passed on to nowhere",
      value: { type: "passOn", exchangeId: "0123456789abcdef", vm: "web", to: "/" },
      expected: "to: expected a host id",
    },
    {
      name: "port 0 for the channel",
      value: { type: "ready", moveId: "a.1.0123456789abcdef", channelPort: 0 },
      expected: "channelPort: expected a whole number from 1 to 65535",
    },
  ])("refuses $name and says where", ({ value, expected }) => {
    expect(problemOf(value)).toContain(expected);
  });
});
