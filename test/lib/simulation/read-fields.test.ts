import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readClusterFile } from "#lib/simulation/cluster-file.ts";
import { SimulationInputError } from "#lib/simulation/input-error.ts";
import { readName, readNumber, shown } from "#lib/simulation/read-fields.ts";
import { readTrace } from "#lib/simulation/traces/read-trace.ts";

describe("readNumber()", () => {
  const bounds = { place: "vms[3]", min: 1, max: 8 };

  it("takes what lies within the bounds, and the default where nothing is given", () => {
    expect(readNumber({ cores: 8 }, "cores", bounds)).toBe(8);
    expect(readNumber({}, "cores", { ...bounds, byDefault: 2 })).toBe(2);
  });

  it.each([[undefined], [null], ["4"], [0.99], [8.01], [[4]]])(
    "refuses %j by its place",
    (cores) => {
      expect(() => readNumber({ cores }, "cores", bounds)).toThrow(
        "vms[3].cores: expected a number from 1 to 8, found",
      );
    },
  );

  it("finds nothing that an object has by birth", () => {
    expect(() => readName({}, "constructor", "vms[0]")).toThrow(SimulationInputError);
  });
});

describe("shown()", () => {
  it("is one short line, whatever the value", () => {
    expect(shown("a\nb")).toBe('"a\\nb"');
    expect(shown("x".repeat(99))).toHaveLength(41);
    expect(shown(undefined)).toBe("nothing");
  });
});

describe("readers of files from outside", () => {
  const refused = (read: () => unknown) => {
    try {
      read();
    } catch (error) {
      expect(error).toBeInstanceOf(SimulationInputError);
      expect((error as Error).message).not.toContain("\n");
    }
  };
  const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

  it("take any JSON for a cluster or refuse it in one line", () => {
    const list = fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 4 });
    const cluster = fc.record({ nodes: list, vms: list }, { requiredKeys: [] });
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), cluster), (value) =>
        refused(() => readClusterFile(JSON.stringify(value))),
      ),
    );
  });

  it("take any bytes for a recording or refuse them in one line", () => {
    const magic = fc.constantFrom("", "PLB1", "BBV1", "vm,second,cpu_cores,memory_mib\n");
    fc.assert(
      fc.property(magic, fc.uint8Array({ maxLength: 120 }), (start, rest) =>
        refused(() => readTrace(Buffer.concat([Buffer.from(start), rest]), textOf)),
      ),
    );
  });
});
