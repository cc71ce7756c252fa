import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { configSchema, listSettings } from "#agent/config/schema.ts";

const EXAMPLE = "systemd/evenkeel.yaml";

/** The example with every setting switched on: they stand there as comments with their defaults. */
function exampleSwitchedOn(): string {
  return readFileSync(EXAMPLE, "utf8").replace(/^#( *)([a-z][A-Za-z]*:)/gm, "$1$2");
}

function flatKeys(value: unknown, prefix = ""): [string, unknown][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]): [string, unknown][] => {
    const isSection = typeof inner === "object" && inner !== null && !Array.isArray(inner);
    return isSection ? flatKeys(inner, `${prefix}${name}.`) : [[`${prefix}${name}`, inner]];
  });
}

describe("listSettings()", () => {
  it("documents every setting in a line", () => {
    for (const { key, doc } of listSettings()) {
      expect(doc.length, key).toBeGreaterThan(10);
      expect(doc, key).not.toContain("\n");
    }
  });

  it("names a unit wherever a number has one", () => {
    const units = {
      Ms: /\bms\b/,
      Seconds: /\bs\b/,
      MiB: /\bMiB\b/,
      MiBps: /MiB\/s/,
      Cores: /cores/,
    };
    for (const { key, doc } of listSettings()) {
      for (const [suffix, unit] of Object.entries(units)) {
        if (key.endsWith(suffix)) expect(doc, key).toMatch(unit);
      }
    }
  });
});

describe("systemd/evenkeel.yaml", () => {
  it("is valid as it is and changes nothing", () => {
    const plain: unknown = parse(readFileSync(EXAMPLE, "utf8")) ?? {};
    expect(plain).toEqual({});
  });

  it("shows every setting with its default, and nothing else", () => {
    const example = parse(exampleSwitchedOn());
    expect(configSchema.safeParse(example).success).toBe(true);
    expect(Object.fromEntries(flatKeys(example))).toEqual(
      Object.fromEntries(listSettings().map((setting) => [setting.key, setting.default])),
    );
  });

  it("carries the schema's own words", () => {
    const text = readFileSync(EXAMPLE, "utf8").replace(/\n *# /g, " ");
    for (const { key, doc } of listSettings()) expect(text, key).toContain(doc);
  });
});

it("listSettings() is the README's table, row by row", () => {
  const readme = readFileSync(new URL("../../../README.md", import.meta.url), "utf8");
  const missing = listSettings()
    .map(({ key, default: value, doc }) => `| \`${key}\` | \`${JSON.stringify(value)}\` | ${doc} |`)
    .filter((row) => !readme.includes(row.replaceAll(/\|(?=kvm|tcg)/g, "\\|")));
  expect(missing).toEqual([]);
});
