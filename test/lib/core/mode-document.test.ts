import { describe, expect, it } from "vitest";
import { hashText } from "#lib/base/prng.ts";
import { clusterMode, modeDocument } from "#lib/core/mode-document.ts";

describe("clusterMode()", () => {
  it("reads back what modeDocument() wrote", () => {
    for (const mode of ["act", "hold"] as const) {
      expect(clusterMode(modeDocument(mode, 1, "QmSelf", hashText))).toBe(mode);
    }
  });

  it("is hold without a document, or with one that cannot be read", () => {
    const broken = { ...modeDocument("act", 1, "QmSelf", hashText), value: '{"mode":"ACT"}' };
    expect(clusterMode(undefined)).toBe("hold");
    expect(clusterMode(broken)).toBe("hold");
  });
});

describe("modeDocument()", () => {
  it("has another hash for another mode or author, so that two at once are told apart", () => {
    const made = [
      modeDocument("act", 1, "QmA", hashText),
      modeDocument("hold", 1, "QmA", hashText),
      modeDocument("act", 1, "QmB", hashText),
    ];
    expect(new Set(made.map(({ hash }) => hash)).size).toBe(3);
    for (const { hash } of made) expect(hash).toMatch(/^[0-9a-f]{8}$/);
  });
});
