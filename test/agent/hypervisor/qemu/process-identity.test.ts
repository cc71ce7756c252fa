import { describe, expect, it } from "vitest";
import {
  isAlive,
  isDead,
  parseProcessStat,
  processStat,
} from "#agent/hypervisor/qemu/process-identity.ts";

const QEMU_LINE =
  "4711 (qemu-system-x86) S 1 4711 4711 0 -1 4194624 51033 0 0 0 312 44 0 0 20 0 4 0 123456 " +
  "1052672000 46000 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0";

describe("parseProcessStat()", () => {
  it("reads state, times, threads and start of a process", () => {
    expect(parseProcessStat(QEMU_LINE)).toEqual({
      pid: 4711,
      state: "S",
      userTicks: 312,
      systemTicks: 44,
      threads: 4,
      startTicks: 123456,
    });
  });

  it("is not led astray by a name with blanks and parentheses", () => {
    const line = QEMU_LINE.replace("(qemu-system-x86)", "(a) R 1 (b) c)");
    expect(parseProcessStat(line)).toMatchObject({ state: "S", startTicks: 123456 });
  });

  it.each(["", "nonsense", "12 (a) S", "x (qemu) S 1 2 3"])("refuses %j", (line) => {
    expect(parseProcessStat(line)).toBeUndefined();
  });
});

describe("isAlive()", () => {
  it("knows this process, and not another that has its number", async () => {
    const own = await processStat(process.pid);
    const startTicks = own?.startTicks ?? 0;
    expect(await isAlive({ pid: process.pid, startTicks })).toBe(true);
    expect(await isAlive({ pid: process.pid, startTicks: startTicks + 1 })).toBe(false);
    expect(await isAlive({ pid: 0, startTicks: 0 })).toBe(false);
  });
});

describe("isDead()", () => {
  it.each([
    ["a sleeping process", "S", 4, false],
    ["a stopped one", "T", 4, false],
    ["a zombie", "Z", 1, true],
    ["a zombie whose other threads are still ending", "Z", 2, false],
  ])("is right about %s", (_what, state, threads, expected) => {
    expect(isDead({ state, threads })).toBe(expected);
  });
});
