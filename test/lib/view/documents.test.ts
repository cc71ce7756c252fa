import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import type { ClusterDocument } from "#lib/model/record.ts";
import { Documents } from "#lib/view/documents.ts";
import { viewDefaults } from "#lib/view/params.ts";
import { View } from "#lib/view/view.ts";
import { wireLimits } from "#lib/wire/limits.ts";
import { documentOf } from "../../support/view-records.ts";

function documentsOf(list: readonly ClusterDocument[]): Documents {
  const documents = new Documents();
  for (const document of list) documents.merge(document);
  return documents;
}

const document = fc
  .tuple(fc.constantFrom("mode", "web", "rules"), fc.nat(3), fc.constantFrom("aa", "bb", "cc"))
  .map(([name, version, hash]) => documentOf(name, version, hash));
const list = fc.array(document, { maxLength: 20 });

describe("Documents", () => {
  it("merges commutatively, associatively and idempotently", () => {
    fc.assert(
      fc.property(list, fc.integer(), (given, seed) => {
        const documents = documentsOf(given);
        expect(documentsOf(new Prng(seed).shuffle(given)).all()).toEqual(documents.all());
        for (const again of given) expect(documents.merge(again)).toBe(false);
      }),
    );
  });

  it("puts the version first and breaks ties by hash", () => {
    const documents = documentsOf([documentOf("mode", 2, "aa")]);
    expect(documents.merge(documentOf("mode", 1, "ff"))).toBe(false);
    expect(documents.merge(documentOf("mode", 2, "bb"))).toBe(true);
    expect(documents.merge(documentOf("mode", 3, "aa"))).toBe(true);
    expect(documents.get("mode")?.version).toBe(3);
  });

  it("makes two equal by one exchange", () => {
    fc.assert(
      fc.property(list, list, (left, right) => {
        const a = documentsOf(left);
        const b = documentsOf(right);
        const { documents, wantsDocuments } = b.answer(a.digest());
        for (const one of documents) a.merge(one);
        for (const name of wantsDocuments) {
          const one = a.get(name);
          if (one) b.merge(one);
        }
        expect(a.all()).toEqual(b.all());
        expect(a.answer(b.digest())).toEqual({ documents: [], wantsDocuments: [] });
      }),
    );
  });

  it("refuses new names over its bound, not new versions", () => {
    const many = Array.from({ length: wireLimits.documentsMax }, (_, i) => documentOf(`d${i}`, 1));
    const documents = documentsOf(many);
    expect(documents.merge(documentOf("one-more", 1))).toBe(false);
    expect(documents.answer([documentOf("one-more", 1)]).wantsDocuments).toEqual([]);
    expect(documents.merge(documentOf("d3", 2))).toBe(true);
  });
});

describe("View documents", () => {
  it("are handed out by name", () => {
    const view = new View({ self: "me", params: viewDefaults });
    expect(view.mergeDocument(documentOf("mode", 1))).toBe(true);
    expect(view.document("mode")).toEqual(documentOf("mode", 1));
    expect(view.documents()).toHaveLength(1);
    expect(view.documentDigest()).toEqual([{ name: "mode", version: 1, hash: "aa" }]);
    expect(view.documentsFor(["none", "mode"])).toEqual([documentOf("mode", 1)]);
    expect(view.answerDocuments([]).documents).toHaveLength(1);
  });
});
