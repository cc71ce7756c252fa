import { describe, expect, it } from "vitest";
import { OwnRecords } from "#lib/core/own-records.ts";
import type { InventoryRecord } from "#lib/model/record.ts";
import { viewDefaults } from "#lib/view/params.ts";
import { View } from "#lib/view/view.ts";
import { inventoryRecord, summaryRecord } from "../../support/view-records.ts";

function published(keyed: boolean) {
  const view = new View({ self: "QmSelf", params: viewDefaults });
  let body: InventoryRecord["body"] = inventoryRecord("QmSelf", 1, { web: "running" }).body;
  const describe = () => summaryRecord("QmSelf", 1).body;
  const records = new OwnRecords({ host: "QmSelf", keyed, view, describe, inventory: () => body });
  const loaded = (cpuCores: number, networkBytesPerSecond: number | null = null): void => {
    const load = {
      cpuCores,
      residentBytes: 2 ** 25,
      dirtyBytesPerSecond: null,
      networkBytesPerSecond,
    };
    body = { ...body, vms: body.vms.map((vm) => ({ ...vm, load })) };
  };
  const inventorySeq = () => view.inventoryOf("QmSelf")?.record.seq;
  return { view, records, loaded, inventorySeq };
}

describe("OwnRecords", () => {
  it("raises its seq with each summary", () => {
    const { view, records } = published(true);
    for (const seq of [1, 2, 3]) {
      records.publish(7, 0);
      expect(view.summaryOf("QmSelf")?.record).toMatchObject({ incarnation: 7, seq });
      expect(records.seq).toBe(seq);
    }
  });

  it("renews the inventory for what matters, and not for noise", () => {
    const { records, loaded, inventorySeq } = published(true);
    loaded(0.5);
    records.publish(7, 0);
    loaded(0.51);
    records.publish(7, 0);
    expect(inventorySeq()).toBe(1);
    loaded(0.7);
    records.publish(7, 0);
    expect(inventorySeq()).toBe(3);
    loaded(0.7, 1e6);
    records.publish(7, 0);
    expect(inventorySeq()).toBe(3);
    loaded(0.7, 20e6);
    records.publish(7, 0);
    expect(inventorySeq()).toBe(5);
    records.publish(8, 0);
    expect(inventorySeq()).toBe(6);
  });

  it("names no VM without a key", () => {
    const { records, inventorySeq } = published(false);
    records.publish(7, 0);
    expect(inventorySeq()).toBeUndefined();
  });
});
