import { describe, expect, it } from "vitest";
import { SimulationInputError } from "#lib/simulation/input-error.ts";
import { readCsvTrace } from "#lib/simulation/traces/csv-trace.ts";

const header = "vm,second,cpu_cores,memory_mib";
const csv = (...rows: readonly string[]) => [header, ...rows, ""].join("\n");

describe("readCsvTrace()", () => {
  const trace = readCsvTrace(
    csv("web,100,0.5,256", "db,100,2.25,1024", "web,160,1.5,300.4", "db,220,0,900"),
  );

  it("knows its VMs by their largest samples, and its length", () => {
    expect(trace.vms).toEqual([
      { name: "web", vcpus: 2, memoryBytes: 300 * 2 ** 20 },
      { name: "db", vcpus: 3, memoryBytes: 1_024 * 2 ** 20 },
    ]);
    expect(trace.stepSeconds).toBe(60);
    expect(trace.seconds).toBe(180);
  });

  it("holds a sample until the next, the first before it and the last for ever", () => {
    const at = (vm: number) => [0, 59.9, 60, 119, 120, 9_999].map((s) => trace.cpuCoresAt(vm, s));
    expect(at(0)).toEqual([0.5, 0.5, 1.5, 1.5, 1.5, 1.5]);
    expect(at(1)).toEqual([2.25, 2.25, 2.25, 2.25, 0, 0]);
    expect(trace.usedBytesAt(1, 0)).toBe(1_024 * 2 ** 20);
    expect(trace.usedBytesAt(1, 130)).toBe(900 * 2 ** 20);
  });

  it("takes single samples, spaces, blank lines and foreign line ends", () => {
    const one = readCsvTrace(
      `\ufeff vm, second, cpu_cores, memory_mib\r\n\r\n a b , 7 , 1 , 64 \r\n`,
    );
    expect(one.vms).toEqual([{ name: "a b", vcpus: 1, memoryBytes: 64 * 2 ** 20 }]);
    expect(one).toMatchObject({ seconds: 300, stepSeconds: 300 });
  });

  it.each([
    [
      "another header",
      "name,time\n",
      /^line 1: expected the header vm,second,cpu_cores,memory_mib/,
    ],
    ["no samples", csv(), /a header and no sample/],
    ["three cells", csv("a,1,2"), /^line 2: expected 4 cells/],
    ["five cells", csv("a,1,2,3,4"), /^line 2: expected 4 cells/],
    ["no name", csv(",1,2,3"), /^line 2: vm: expected a name/],
    ["a long name", csv(`${"x".repeat(256)},1,2,3`), /^line 2: vm: expected a name/],
    ["words", csv("a,0,1,1", "a,1,two,3"), /^line 3: cpu_cores: .* found "two"/],
    ["nothing", csv("a,1,,3"), /^line 2: cpu_cores: .* found ""/],
    ["NaN", csv("a,1,NaN,3"), /^line 2: cpu_cores/],
    ["infinity", csv("a,1,Infinity,3"), /^line 2: cpu_cores/],
    ["less than nothing", csv("a,1,1,-3"), /^line 2: memory_mib: .* found "-3"/],
    ["half seconds", csv("a,1.5,1,3"), /^line 2: second: expected a whole number/],
    ["time going back", csv("a,5,1,1", "a,5,1,1"), /^line 3: second 5 of "a" is not later/],
  ])("refuses %s and names the line", (_, text, message) => {
    expect(() => readCsvTrace(text)).toThrow(SimulationInputError);
    expect(() => readCsvTrace(text)).toThrow(message);
  });
});
