import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { NearbyNews } from "#lib/core/nearby-news.ts";
import type { Outbox } from "#lib/core/outbox.ts";
import type { HostId } from "#lib/model/ids.ts";
import type { View } from "#lib/view/view.ts";
import type { DeltaMessage } from "#lib/wire/messages.ts";
import { inventoryRecord, summaryRecord } from "../../support/view-records.ts";

const many = Array.from({ length: 40 }, (_, at) => `host-${at}`);

function newsAmong(connected: readonly HostId[]) {
  const sent: { to: HostId; message: DeltaMessage }[] = [];
  const outbox = { send: (to: HostId, message: DeltaMessage) => sent.push({ to, message }) };
  const view = { agesOf: (records: readonly unknown[]) => records.map(() => 70) };
  const news = new NearbyNews({
    view: view as unknown as View,
    outbox: outbox as unknown as Outbox,
    prng: new Prng("nearby"),
    connected: new Set(connected),
  });
  return { news, sent, told: () => sent.splice(0).map(({ to }) => to) };
}

describe("NearbyNews", () => {
  it("tells a few peers, each once, with the age and the hops that are left", () => {
    const { news, sent } = newsAmong(many);
    news.tell(summaryRecord("me", 7), 0);
    expect(new Set(sent.map(({ to }) => to)).size).toBe(6);
    expect(sent[0]?.message).toMatchObject({ records: [{ host: "me" }], ages: [70], hops: 3 });
  });

  it("passes on what was new, with a hop less, to neither its sender nor its maker", () => {
    const { news, sent } = newsAmong(["maker", "sender", "third", "fourth"]);
    news.heard(summaryRecord("maker", 7), 3, "sender", 0);
    expect(sent.map(({ to }) => to).sort()).toEqual(["fourth", "third"]);
    expect(sent.map(({ message }) => message.hops)).toEqual([2, 2]);
  });

  it("passes on neither what has come far enough nor an inventory", () => {
    const { news, told } = newsAmong(many);
    news.heard(summaryRecord("maker", 7), 1, "sender", 0);
    news.heard(inventoryRecord("maker", 7), 3, "sender", 0);
    expect(told()).toEqual([]);
  });

  it("passes on so many in a second, and goes on with the next", () => {
    const { news, told } = newsAmong(["third"]);
    const hear = (count: number, nowMs: number) => {
      for (let seq = 1; seq <= count; seq += 1) {
        news.heard(summaryRecord("maker", seq), 2, "sender", nowMs);
      }
      return told().length;
    };
    expect(hear(100, 5_000)).toBe(64);
    expect(hear(100, 5_999)).toBe(0);
    expect(hear(3, 6_000)).toBe(3);
  });
});
