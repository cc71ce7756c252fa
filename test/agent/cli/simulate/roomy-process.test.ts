import { describe, expect, it } from "vitest";
import { heapToAskFor, runInRoomyProcess } from "#agent/cli/simulate/roomy-process.ts";

const gibibyte = 2 ** 30;
const machine = { limitBytes: 4 * gibibyte, freeBytes: 16 * gibibyte, isChosen: false };

describe("heapToAskFor()", () => {
  it("asks for nothing where the heap will do, or was chosen", () => {
    expect(heapToAskFor({ ...machine, hosts: 1_000 })).toBeNull();
    expect(heapToAskFor({ ...machine, hosts: 10_000, isChosen: true })).toBeNull();
  });

  it("asks for what many hosts take", () => {
    expect(heapToAskFor({ ...machine, hosts: 10_000 })).toBe(10_512);
  });

  it("says in one line that the machine is too small", () => {
    expect(() => heapToAskFor({ ...machine, hosts: 10_000, freeBytes: 5 * gibibyte })).toThrow(
      /^10000 simulated hosts take about 11\.3 GiB of memory, and 5\.0 GiB are free here: simulate fewer/,
    );
  });
});

describe("runInRoomyProcess()", () => {
  it("leaves a small simulation where it is", () => {
    expect(runInRoomyProcess(3)).toBeNull();
  });
});
