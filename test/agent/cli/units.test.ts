import { describe, expect, it } from "vitest";
import { bar } from "#agent/cli/bar.ts";
import { readDurationMs } from "#agent/cli/read-duration.ts";
import { tableLines } from "#agent/cli/table.ts";
import { formatBytes, formatShare, formatSpan } from "#agent/cli/units.ts";

describe("formatBytes()", () => {
  it.each([
    [null, "-"],
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1 KiB"],
    [1536 * 1024, "1.5 MiB"],
    [128 * 2 ** 20, "128 MiB"],
    [2 ** 30 - 1, "1 GiB"],
    [2 ** 60, "1024 PiB"],
  ])("writes %j as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe("formatSpan()", () => {
  it.each([
    [null, "-"],
    [41.4, "41 ms"],
    [2_345, "2.3 s"],
    [12_999, "12 s"],
    [185_000, "3 min 5 s"],
    [7_384_000, "2 h 3 min"],
    [7_200_000, "2 h"],
    [100 * 3_600_000, "4 d 4 h"],
  ])("writes %j as %s", (ms, text) => {
    expect(formatSpan(ms)).toBe(text);
  });
});

describe("formatShare()", () => {
  it("writes per cent, or a dash for what is not known", () => {
    expect([formatShare(0.625), formatShare(1.2), formatShare(null)]).toEqual([
      "63 %",
      "120 %",
      "-",
    ]);
  });
});

describe("readDurationMs()", () => {
  it.each([
    ["90", 90_000],
    ["90s", 90_000],
    ["10m", 600_000],
    ["1h", 3_600_000],
  ])("reads %s", (text, ms) => {
    expect(readDurationMs(text)).toBe(ms);
  });

  it.each(["", "m", "1.5h", "-3s", "10 m", "1d", "99999999"])("refuses %j", (text) => {
    expect(() => readDurationMs(text)).toThrow(/90s, 10m or 1h/);
  });
});

describe("bar()", () => {
  it.each([
    [{ share: 0.5 }, "##.."],
    [{ share: 0.5, projectedShare: 1 }, "##++"],
    [{ share: 1, projectedShare: 0.5 }, "##=="],
    [{ share: 0.01 }, "#..."],
    [{ share: 0 }, "...."],
    [{ share: 7 }, "####"],
    [{ share: null }, "    "],
  ])("draws %j as %s", (shares, text) => {
    expect(bar({ ...shares, width: 4, unicode: false })).toBe(text);
  });
});

describe("tableLines()", () => {
  it("aligns wide and coloured cells alike, with nothing at the ends of lines", () => {
    const columns = [{ title: "A" }, { title: "B", align: "right" as const }];
    const lines = tableLines(columns, [
      ["\u001b[31mred\u001b[39m", "1"],
      ["日本", "22"],
      ["", "3"],
    ]);
    expect(lines).toEqual(["A      B", "\u001b[31mred\u001b[39m    1", "日本  22", "       3"]);
  });

  it("prints the titles of an empty table", () => {
    expect(tableLines([{ title: "A" }], [])).toEqual(["A"]);
  });
});
