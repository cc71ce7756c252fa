import { describe, expect, it } from "vitest";
import { vmLimits } from "#lib/model/vm-spec.ts";
import { wireLimits } from "#lib/wire/limits.ts";
import { Malformed } from "#lib/wire/malformed.ts";
import type { Reader } from "#lib/wire/reader.ts";
import { validate } from "#lib/wire/validate.ts";
import { swapReaders } from "#lib/wire/validate-swap.ts";
import { summaryRecord } from "../../support/view-records.ts";

const exchangeId = "0123456789abcdef";
const give = {
  vm: "web",
  memoryBytes: 2 ** 30,
  load: { cpuCores: 1, residentBytes: 1, dirtyBytesPerSecond: null, networkBytesPerSecond: null },
  policy: { pin: null, ignore: false, antiAffinityGroup: null, affinityGroup: null },
};
const exchange = {
  ...{ type: "exchange", exchangeId, give, take: "db", gain: 0.1, holdMs: 20_000 },
  source: summaryRecord("QmHostA", 1).body,
};

describe("swapReaders", () => {
  it("give a valid offer back as it is, without what they do not know", () => {
    expect(validate({ ...exchange, more: 1 }, swapReaders.exchange)).toEqual(exchange);
  });

  it.each([
    { path: "holdMs", fault: { holdMs: wireLimits.holdMsMax + 1 } },
    { path: "holdMs", fault: { holdMs: -1 } },
    { path: "exchangeId", fault: { exchangeId: "0123456789ABCDEF" } },
    { path: "take", fault: { take: "../db" } },
    { path: "gain", fault: { gain: Number.NaN } },
    { path: "give.vm", fault: { give: { ...give, vm: "" } } },
    { path: "give.memoryBytes", fault: { give: { ...give, memoryBytes: 0 } } },
    {
      path: "give.memoryBytes",
      fault: { give: { ...give, memoryBytes: vmLimits.memoryBytesMax * 2 } },
    },
    {
      path: "give.load.cpuCores",
      fault: { give: { ...give, load: { ...give.load, cpuCores: -1 } } },
    },
    { path: "give.policy", fault: { give: { ...give, policy: null } } },
    { path: "source", fault: { source: null } },
  ])("refuse an offer whose $path is wrong ($fault)", ({ path, fault }) => {
    const read = validate({ ...exchange, ...fault }, swapReaders.exchange);
    expect(read).toBeInstanceOf(Malformed);
    expect(read).toMatchObject({ path });
  });

  it("bound the words of a refusal", () => {
    const refusal = "x".repeat(wireLimits.reasonLengthMax + 1);
    for (const type of ["exchangeAnswer", "passedOn"] as const) {
      const read = (m: Reader) => swapReaders[type](m);
      expect(validate({ exchangeId, vm: "web", refusal }, read)).toMatchObject({ path: "refusal" });
    }
  });
});
