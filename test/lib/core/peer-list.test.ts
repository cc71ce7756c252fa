import { describe, expect, it } from "vitest";
import { Outbox } from "#lib/core/outbox.ts";
import { PeerList } from "#lib/core/peer-list.ts";
import type { HostSummary } from "#lib/model/host.ts";
import { viewDefaults } from "#lib/view/params.ts";
import { View } from "#lib/view/view.ts";
import { summaryRecord } from "../../support/view-records.ts";

function listed() {
  const view = new View({ self: "QmSelf", params: viewDefaults });
  view.publishOwn(summaryRecord("QmSelf", 1), 0);
  const outbox = new Outbox();
  const list = new PeerList({ self: "QmSelf", view, outbox });
  let seq = 0;
  const see = (host: string, body: Partial<HostSummary> = {}): void => {
    const before = view.summaryOf(host)?.record.body;
    seq += 1;
    const plain = summaryRecord(host, seq);
    const record = { ...plain, body: { ...plain.body, ...body } };
    view.merge(record, 0);
    list.seen(record, before);
  };
  const kept = () =>
    outbox.take().flatMap((effect) => (effect.type === "persist" ? effect.entries : []));
  const told = (nowMs: number) => {
    list.flush(nowMs);
    return outbox.take().flatMap((effect) => (effect.type === "peersKnown" ? [effect.peers] : []));
  };
  return { list, see, kept, told };
}

describe("PeerList", () => {
  it("tells the others that have not left, when something about them changed", () => {
    const { see, told } = listed();
    see("QmA", { addresses: ["/ip4/10.0.0.1/tcp/1"], probePort: 7 });
    see("QmB", { presence: "left" });
    expect(told(0)).toEqual([[{ host: "QmA", addresses: ["/ip4/10.0.0.1/tcp/1"], probePort: 7 }]]);
    see("QmA", { addresses: ["/ip4/10.0.0.1/tcp/1"], probePort: 7 });
    expect(told(0)).toEqual([]);
    see("QmA", { addresses: ["/ip4/10.0.0.1/tcp/1"], probePort: 8 });
    expect(told(0)).toHaveLength(1);
  });

  it("lets many changes gather where there are many hosts", () => {
    const { list, see, told } = listed();
    for (let i = 0; i < 70; i += 1) see(`QmHost${i}`);
    expect(told(1_000)).toHaveLength(1);
    list.touch();
    expect(told(1_249)).toEqual([]);
    expect(told(1_250)).toHaveLength(1);
  });

  it("leaves the journal in peace while hosts give way to each other all the time", () => {
    const { list, see, kept } = listed();
    const at = { addresses: ["/ip4/10.0.0.1/tcp/1"] };
    see("QmA", at);
    see("QmB", at);
    kept();
    list.displaced("QmA", 1_000);
    list.displaced("QmB", 2_000);
    list.displaced("QmC", 70_000);
    expect(kept()).toEqual([{ key: "peer/QmA", value: null }]);
    // It comes back as a stranger, with the addresses that are remembered.
    list.seen(
      { ...summaryRecord("QmB", 9), body: { ...summaryRecord("QmB", 9).body, ...at } },
      undefined,
    );
    expect(kept()).toEqual([]);
    list.displaced("QmB", 70_000);
    expect(kept()).toEqual([{ key: "peer/QmB", value: null }]);
  });

  it("keeps new addresses, and removes those of a host that is forgotten", () => {
    const { list, see, kept } = listed();
    see("QmA", { addresses: ["/ip4/10.0.0.1/tcp/1"] });
    const value = JSON.stringify({ addresses: ["/ip4/10.0.0.1/tcp/1"], probePort: 0 });
    expect(kept()).toEqual([{ key: "peer/QmA", value }]);
    see("QmA", { addresses: ["/ip4/10.0.0.1/tcp/1"] });
    expect(kept()).toEqual([]);
    list.forget("QmA");
    list.forget("QmA");
    expect(kept()).toEqual([{ key: "peer/QmA", value: null }]);
  });

  it("keeps no more than it can dial after a restart, those of an earlier life included", () => {
    const { list, see, kept } = listed();
    list.recall(Array.from({ length: 255 }, (_, i) => `QmOld${i}`));
    for (const host of ["QmA", "QmB", "QmOld7"]) see(host);
    expect(kept().map(({ key }) => key)).toEqual(["peer/QmA", "peer/QmOld7"]);
  });
});
