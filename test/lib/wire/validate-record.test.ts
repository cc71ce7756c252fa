import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Malformed } from "#lib/wire/malformed.ts";
import { validate } from "#lib/wire/validate.ts";
import { readLoadFields, readRecord } from "#lib/wire/validate-record.ts";
import { readSummaryFields } from "#lib/wire/validate-summary.ts";
import { summaryRecord } from "../../support/view-records.ts";
import { hostRecord } from "../../support/wire-arbitraries.ts";
import { withOneFault } from "../../support/with-one-fault.ts";

describe("readRecord()", () => {
  it("gives every valid record back as it is, but not the same object", () => {
    fc.assert(
      fc.property(hostRecord, (valid) => {
        const read = readRecord(valid);
        expect(read).toEqual(valid);
        expect(read).not.toBe(valid);
      }),
    );
  });

  it("refuses figures that are negative, infinite or not numbers", () => {
    const figures = [-1, Number.NaN, Number.POSITIVE_INFINITY, "1", null, 10n];
    fc.assert(
      fc.property(hostRecord, fc.constantFrom(...figures), (valid, figure) => {
        expect(readRecord({ ...valid, seq: figure })).toMatchObject({ path: "seq" });
        if (valid.kind !== "summary") return;
        const body = { ...valid.body, projectedCpuCores: figure };
        expect(readRecord({ ...valid, body })).toMatchObject({ path: "body.projectedCpuCores" });
      }),
    );
  });

  it("never throws when a part is broken", () => {
    fc.assert(
      fc.property(hostRecord, fc.nat(), fc.anything(), (valid, place, fault) => {
        const read = readRecord(withOneFault(valid, place, fault));
        if (!(read instanceof Malformed)) expect(readRecord(read)).toEqual(read);
      }),
      { numRuns: 500 },
    );
  });

  it("refuses one VM and one outcome too many", () => {
    const record = { kind: "inventory", host: "QmHostA", incarnation: 0, seq: 0 };
    const list = (length: number) => Array.from({ length }, () => null);
    expect(readRecord({ ...record, body: { vms: list(513), outcomes: [] } })).toMatchObject({
      path: "body.vms",
    });
    expect(readRecord({ ...record, body: { vms: [], outcomes: list(9) } })).toMatchObject({
      path: "body.outcomes",
    });
  });
});

describe("a record of an older agent", () => {
  const older = <Body extends object>(body: Body, ...names: string[]) =>
    Object.fromEntries(Object.entries(body).filter(([name]) => !names.includes(name)));

  it("is valid without network and affinity, which are unknown then", () => {
    const { body } = summaryRecord("QmHostA", 1);
    const names = ["projectedNetworkBytesPerSecond", "networkCapacityBytesPerSecond"];
    const read = validate(older(body, ...names, "affinityGroups"), readSummaryFields);
    expect(read).toMatchObject({
      projectedNetworkBytesPerSecond: 0,
      networkCapacityBytesPerSecond: 0,
      affinityGroups: [],
    });
    const load = { cpuCores: 1, residentBytes: 1, dirtyBytesPerSecond: null };
    expect(validate(load, readLoadFields)).toMatchObject({ networkBytesPerSecond: null });
  });

  it("gains no freedom by it: what is there is bounded", () => {
    const { body } = summaryRecord("QmHostA", 1);
    const part = { group: "web", vms: 1, memoryBytes: 1 };
    const faults = {
      projectedNetworkBytesPerSecond: -1,
      networkCapacityBytesPerSecond: Number.NaN,
      affinityGroups: Array.from({ length: 257 }, () => part),
    };
    for (const [path, fault] of Object.entries(faults)) {
      expect(validate({ ...body, [path]: fault }, readSummaryFields)).toMatchObject({ path });
    }
    const nameless = { ...body, affinityGroups: [part, { ...part, group: "x".repeat(64) }] };
    expect(validate(nameless, readSummaryFields)).toMatchObject({
      path: "affinityGroups[1].group",
    });
    const endless = { cpuCores: 1, residentBytes: 1, dirtyBytesPerSecond: null };
    expect(validate({ ...endless, networkBytesPerSecond: "9" }, readLoadFields)).toMatchObject({
      path: "networkBytesPerSecond",
    });
  });
});

describe("readSummaryFields()", () => {
  it("refuses an empty summary, and a share over 1", () => {
    expect(validate({}, readSummaryFields)).toBeInstanceOf(Malformed);
    const pressure = { cpuShare: 1.01, memoryShare: 0, ioShare: 0 };
    const { body } = summaryRecord("QmHostA", 1);
    expect(validate({ ...body, pressure }, readSummaryFields)).toMatchObject({
      path: "pressure.cpuShare",
    });
  });
});
