import { describe, expect, it } from "vitest";
import { Malformed } from "#lib/wire/malformed.ts";
import { Finding, Reader } from "#lib/wire/reader.ts";
import { validate } from "#lib/wire/validate.ts";

describe("Reader", () => {
  it("notes the first problem only, with its whole path", () => {
    const finding = new Finding();
    const reader = new Reader({ list: [{ inner: { name: 5 } }], flag: "no" }, finding);
    for (const [index, item] of reader.list("list", 3).entries()) {
      reader.item("list", index, item).object("inner").text("name", 10);
    }
    reader.flag("flag");
    expect(finding.malformed?.path).toBe("list[0].inner.name");
  });

  it("returns harmless stand-ins after a problem", () => {
    const reader = new Reader(undefined, new Finding());
    expect(reader.text("a", 5)).toBe("");
    expect(reader.texts("a", 5, 5)).toEqual([]);
    expect(reader.count("a", 3, 9)).toBe(3);
    expect(reader.figure("a")).toBe(0);
    expect(reader.flag("a")).toBe(false);
    expect(reader.list("a", 5)).toEqual([]);
    expect(reader.object("a").object("b").vm("c")).toBe("");
  });

  it("reads a list of texts into a list of its own", () => {
    const texts = ["a", "b"];
    const reader = new Reader({ texts }, new Finding());
    expect(reader.texts("texts", 2, 1)).toEqual(texts);
    expect(reader.texts("texts", 2, 1)).not.toBe(texts);
  });
});

describe("validate()", () => {
  it("gives what was read, or what is wrong with it", () => {
    const read = (reader: Reader) => reader.count("n");
    expect(validate({ n: 4 }, read)).toBe(4);
    expect(validate({ n: -4 }, read)).toEqual(
      new Malformed("n", `expected a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`),
    );
  });
});
