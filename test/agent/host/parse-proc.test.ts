import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  parseArcFreeable,
  parseMeminfo,
  parsePressure,
  parseStat,
  pressureOf,
} from "#agent/host/parse-proc.ts";

const read = (path: string) => readFileSync(`test/fixtures/${path}`, "latin1");

describe("parseStat()", () => {
  it("counts guests once and waiting for disks as idle", () => {
    // user 1000 (guest 400 of it), system 500, softirq 100, steal 100; idle 8000, iowait 300.
    expect(parseStat(read("proc-zfs/stat"))).toEqual({
      busyTicks: 1700,
      totalTicks: 10_000,
      cpuCount: 2,
    });
  });

  it("reads a real file", () => {
    const ticks = parseStat(read("proc-plain/stat"));
    expect(ticks?.cpuCount).toBe(2);
    expect(ticks?.busyTicks).toBeGreaterThan(0);
    expect(ticks?.totalTicks).toBeGreaterThan(ticks?.busyTicks ?? 0);
  });

  it.each(["", "cpu", "cpu  1 2\ncpu0 1 2\n", "cpu  1 2 3 4 5\n"])(
    "knows nothing of %j",
    (text) => {
      expect(parseStat(text)).toBeUndefined();
    },
  );
});

describe("parseMeminfo()", () => {
  it("reads bytes", () => {
    expect(parseMeminfo(read("proc-zfs/meminfo"))).toEqual({
      totalBytes: 16 * 2 ** 30,
      availableBytes: 2 * 2 ** 30,
    });
    expect(parseMeminfo(read("proc-plain/meminfo"))?.totalBytes).toBeGreaterThan(2 ** 30);
  });

  it("knows nothing without MemAvailable", () => {
    expect(parseMeminfo("MemTotal:       16777216 kB\nMemFree: 5 kB\n")).toBeUndefined();
  });
});

describe("parseArcFreeable()", () => {
  it("counts what is above the least size", () => {
    const text = read("proc-zfs/spl/kstat/zfs/arcstats");
    expect(parseArcFreeable(text)).toBe(6_979_321_856 - 536_870_912);
    expect(parseArcFreeable(text.replace("6979321856", "1000"))).toBe(0);
    expect(parseArcFreeable("size 4")).toBeUndefined();
  });
});

describe("parsePressure()", () => {
  it("is the share of ten seconds", () => {
    expect(parsePressure(read("proc-plain/pressure/cpu"))).toBeCloseTo(0.2548);
    expect(parsePressure("full avg10=1.00 ")).toBeUndefined();
  });
});

describe("pressureOf()", () => {
  it("needs all three", () => {
    const text = read("proc-plain/pressure/io");
    expect(pressureOf(text, text, text)?.ioShare).toBeCloseTo(0.0305);
    expect(pressureOf(text, undefined, text)).toBeUndefined();
    expect(pressureOf(text, text, "garbage")).toBeUndefined();
  });
});

describe("the parsers of /proc", () => {
  it("never throw and never make up a number", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const parse of [parseStat, parseMeminfo, parseArcFreeable, parsePressure]) {
          expect(JSON.stringify(parse(text)) ?? "").not.toContain("null");
        }
      }),
    );
  });
});
