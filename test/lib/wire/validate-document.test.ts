import fc from "fast-check";
import { expect, it } from "vitest";
import { readDocument } from "#lib/wire/validate-document.ts";
import { clusterDocument } from "../../support/wire-arbitraries.ts";

it("readDocument() gives every valid document back as it is", () => {
  fc.assert(
    fc.property(clusterDocument, (valid) => {
      expect(readDocument(valid)).toEqual(valid);
    }),
  );
});

it.each([
  { path: "name", fault: { name: "x".repeat(65) } },
  { path: "hash", fault: { hash: "XYZ" } },
  { path: "value", fault: { value: "x".repeat(16 * 1024 + 1) } },
  { path: "version", fault: { version: 1.5 } },
])("readDocument() names $path when it is wrong", ({ path, fault }) => {
  const good = { name: "mode", version: 1, hash: "ab", author: "QmHostA", value: "{}" };
  expect(readDocument({ ...good, ...fault })).toMatchObject({ path });
});
