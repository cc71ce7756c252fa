import { describe, expect, it } from "vitest";
import { HotHosts } from "#lib/core/hot-hosts.ts";
import { summaryRecord } from "../../support/view-records.ts";

describe("HotHosts", () => {
  const heardOf = (host: string, measuredCpuCores: number) => {
    const record = summaryRecord(host, 1);
    const figures = { cpuCapacityCores: 10, projectedCpuCores: 5, measuredCpuCores };
    return { ...record, body: { ...record.body, ...figures } };
  };

  it("counts a host once, by what it burned last, also when relief is on its way", () => {
    const hot = new HotHosts(0.9);
    for (const record of [heardOf("a", 8.9), heardOf("b", 9.1), heardOf("c", 9.5)]) {
      hot.heard(record);
      hot.heard(record);
    }
    expect(hot.count).toBe(2);
    hot.heard(heardOf("b", 5));
    expect(hot.count).toBe(1);
    hot.forget("c");
    hot.forget("a");
    expect(hot.count).toBe(0);
  });

  it("counts no host whose size is not known yet, or whose load", () => {
    const hot = new HotHosts(0.9);
    const record = heardOf("a", 20);
    hot.heard({ ...record, body: { ...record.body, cpuCapacityCores: 0 } });
    const measuring = { ...record.body, measuring: true as const };
    hot.heard({ ...record, body: measuring });
    expect(hot.count).toBe(0);
  });
});
