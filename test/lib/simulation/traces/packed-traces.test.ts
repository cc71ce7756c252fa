/** The packed formats, and how a recording's format is recognised. */
import { describe, expect, it } from "vitest";
import { SimulationInputError } from "#lib/simulation/input-error.ts";
import { readBitbrainsTrace } from "#lib/simulation/traces/bitbrains-trace.ts";
import { ByteReader } from "#lib/simulation/traces/byte-reader.ts";
import { readPlanetlabTrace } from "#lib/simulation/traces/planetlab-trace.ts";
import { readTrace } from "#lib/simulation/traces/read-trace.ts";
import { traceLimits } from "#lib/simulation/traces/trace.ts";
import { uniqueName } from "#lib/simulation/traces/unique-name.ts";
import { bitbrainsBytes, planetlabBytes } from "../../../support/packed-traces.ts";

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const planetlab = planetlabBytes(
  [
    [10, 20, 100],
    [0, 5, 50],
  ],
  "a\na",
);
const bitbrains = bitbrainsBytes([
  { id: 7, cores: 4, memoryMiB: 1_024, cpu: [0xffff, 2_500, 0xffff], memory: [0xff, 100, 0xff] },
  { id: 7, cores: 1, memoryMiB: 0, cpu: [10_000, 0, 50], memory: [0, 200, 20] },
]);

describe("readPlanetlabTrace()", () => {
  it("takes each VM for one core and one GiB, sampled every five minutes", () => {
    const trace = readPlanetlabTrace(planetlab);
    expect(trace.vms.map(({ name }) => name)).toEqual(["a", "a-2"]);
    expect(trace.vms[0]).toMatchObject({ vcpus: 1, memoryBytes: 2 ** 30 });
    expect(trace).toMatchObject({ seconds: 900, stepSeconds: 300 });
    expect([0, 299, 300, 600, 5_000].map((s) => trace.cpuCoresAt(0, s))).toEqual([
      0.1, 0.1, 0.2, 1, 1,
    ]);
    expect(trace.cpuCoresAt(1, 600)).toBe(0.5);
    expect(trace.usedBytesAt(1, 600)).toBe(2 ** 30);
  });

  it("names VMs that have no name", () => {
    const trace = readPlanetlabTrace(planetlabBytes([[1], [1]], "x"));
    expect(trace.vms.map(({ name }) => name)).toEqual(["x", "vm-2"]);
  });

  it("refuses more than all of the CPU", () => {
    expect(() =>
      readPlanetlabTrace(
        planetlabBytes(
          [
            [1, 2],
            [3, 101],
          ],
          "a\nb",
        ),
      ),
    ).toThrow("sample 1 of VM 1: 101 % of CPU is more than all of it");
  });
});

describe("readBitbrainsTrace()", () => {
  it("reads sizes, shares of all cores and of memory; a missing sample is the one before it", () => {
    const trace = readBitbrainsTrace(bitbrains);
    expect(trace.vms).toEqual([
      { name: "vm-7", vcpus: 4, memoryBytes: 2 ** 30 },
      { name: "vm-7-2", vcpus: 1, memoryBytes: 64 * 2 ** 20 },
    ]);
    expect([0, 300, 600].map((s) => trace.cpuCoresAt(0, s))).toEqual([0, 1, 1]);
    expect([0, 300, 600].map((s) => trace.cpuCoresAt(1, s))).toEqual([1, 0, 0.005]);
    expect([0, 300, 600].map((s) => trace.usedBytesAt(0, s) / 2 ** 30)).toEqual([1, 0.5, 0.5]);
  });

  it("takes an edition without memory for one where all of it is used", () => {
    const trace = readBitbrainsTrace(bitbrains.subarray(0, bitbrains.length - 6));
    expect(trace.usedBytesAt(0, 300)).toBe(2 ** 30);
  });

  it("refuses a VM without cores", () => {
    const vm = { id: 1, cores: 0, memoryMiB: 1, cpu: [0], memory: [0] };
    expect(() => readBitbrainsTrace(bitbrainsBytes([vm]))).toThrow("VM 0: 0 cores");
  });
});

describe.each([
  ["PLB1", planetlab, readPlanetlabTrace],
  ["BBV1", bitbrains, readBitbrainsTrace],
])("a packed %s recording", (_, bytes, read) => {
  it("is refused wherever it is cut off", () => {
    // The memory samples of BBV1 may be missing as a whole.
    for (let length = 4; length < bytes.length - 6; length++) {
      expect(() => read(bytes.subarray(0, length))).toThrow(SimulationInputError);
    }
  });

  it.each([4, 8])("is refused when the figure at byte %i is absurd", (offset) => {
    for (const absurd of [0, 0xffff_ffff, 1_000_000]) {
      const broken = bytes.slice();
      new DataView(broken.buffer).setUint32(offset, absurd, true);
      expect(() => read(broken)).toThrow(SimulationInputError);
    }
  });

  it("is recognised by its first bytes", () => {
    expect(readTrace(bytes, textOf).vms).toEqual(read(bytes).vms);
  });
});

describe("readTrace()", () => {
  it("takes other text for CSV", () => {
    const bytes = new TextEncoder().encode("vm,second,cpu_cores,memory_mib\na,0,1,64\n");
    expect(readTrace(bytes, textOf).vms).toHaveLength(1);
  });

  it("says so when it is nothing that it knows", () => {
    expect(() => readTrace(new Uint8Array(), textOf)).toThrow("the file is empty");
    expect(() => readTrace(new Uint8Array([1, 0, 2]), textOf)).toThrow("neither text nor one of");
  });
});

describe("ByteReader", () => {
  it("reads little-endian figures, and never beyond the end", () => {
    const reader = new ByteReader(new Uint8Array([1, 2, 1, 0, 0, 0, 65, 9]));
    expect(reader.uint16("a")).toBe(0x0201);
    expect(reader.count("b", 5)).toBe(1);
    expect(reader.latin(1, "c")).toBe("A");
    expect(reader.left).toBe(1);
    expect(() => reader.uint32("the end")).toThrow("ends after 8 bytes, in the middle of the end");
    expect(reader.left).toBe(1);
  });
});

describe("uniqueName()", () => {
  it("numbers the second of a name", () => {
    const taken = new Set(["a", "a-2"]);
    expect([uniqueName("a", taken), uniqueName("b", taken)]).toEqual(["a-3", "b"]);
    expect(traceLimits.vmsMax).toBeGreaterThan(1);
  });
});
