import { expect, test } from "vitest";
import { Deadlines } from "#lib/base/deadlines.ts";
import type { Outbox } from "#lib/core/outbox.ts";
import type { OwnRecords } from "#lib/core/own-records.ts";
import { Publisher } from "#lib/core/publisher.ts";
import type { HostSummary } from "#lib/model/host.ts";
import type { InventoryRecord } from "#lib/model/record.ts";
import type { View } from "#lib/view/view.ts";
import { inventoryRecord, summaryRecord } from "../../support/view-records.ts";

interface Host {
  readonly body?: Partial<InventoryRecord["body"]>;
  /** Its figures, as they are whenever it publishes. */
  readonly figures?: () => Partial<HostSummary>;
  readonly isLarge?: boolean;
}

function publishing({ body = {}, figures = () => ({}), isLarge = false }: Host = {}) {
  const deadlines = new Deadlines<"publish" | "gossip" | "hello">();
  const sent: string[] = [];
  const nearby: number[] = [];
  const published: number[] = [];
  const record = inventoryRecord("me", 1);
  const summary = summaryRecord("me", 1);
  const view = {
    isLarge,
    summaryOf: () => ({ record: { ...summary, body: { ...summary.body, ...figures() } } }),
    inventoryOf: () => ({ record: { ...record, body: { ...record.body, ...body } } }),
  };
  const outbox = {
    broadcast: ({ records }: { records: readonly { kind: string }[] }) =>
      sent.push(...records.map(({ kind }) => kind)),
  };
  const records = { publish: (_incarnation: number, nowMs: number) => published.push(nowMs) };
  const publisher = new Publisher({
    self: "me",
    view: view as unknown as View,
    outbox: outbox as unknown as Outbox,
    records: records as unknown as OwnRecords,
    deadlines,
    incarnation: () => 1,
    jittered: (intervalMs) => intervalMs,
    nearby: { tell: ({ body }) => nearby.push(body.freeSlotsIn) },
  });
  return { publisher, deadlines, sent, nearby, published };
}

test("publish() comes again five seconds later", () => {
  const { publisher, deadlines, published } = publishing();
  publisher.publish(1_000);
  expect(published).toEqual([1_000]);
  expect(deadlines.atMs("publish")).toBe(6_000);
});

test("touch() brings it forward, to no less than a quarter of a second after the last", () => {
  const { publisher, deadlines } = publishing();
  publisher.publish(1_000);
  publisher.touch(1_100);
  expect(deadlines.atMs("publish")).toBe(1_250);
  publisher.touch(3_000);
  expect(deadlines.atMs("publish")).toBe(1_250);
});

test("tell() brings it forward further, and broadcasts the inventory once", () => {
  const members = [{ service: "web" }] as unknown as InventoryRecord["body"]["members"];
  const { publisher, deadlines, sent } = publishing(members ? { body: { members } } : {});
  publisher.publish(1_000);
  publisher.tell(1_010);
  expect(deadlines.atMs("publish")).toBe(1_050);
  publisher.publish(1_050);
  publisher.publish(6_050);
  expect(sent).toEqual(["inventory"]);
});

test("tell() broadcasts no inventory that is too long for news", () => {
  const body = inventoryRecord("me", 1, manyVms(200)).body;
  const { publisher, sent } = publishing({ body });
  publisher.tell(0);
  publisher.publish(0);
  expect(sent).toEqual([]);
});

test("broadcastSelf() sends the summary as it was published last", () => {
  const { publisher, sent } = publishing();
  publisher.broadcastSelf();
  expect(sent).toEqual(["summary"]);
});

const size = { cpuCapacityCores: 10, memoryCapacityBytes: 100 };

/** What is broadcast as a host's figures change from one to the next, each time with a touch. */
function toldOf(steps: readonly Partial<HostSummary>[], options: Host = {}): number[] {
  let figures: Partial<HostSummary> = size;
  const { publisher, sent } = publishing({ ...options, figures: () => figures });
  return steps.map((step, at) => {
    figures = { ...size, ...step };
    publisher.touch(at * 1_000);
    publisher.publish(at * 1_000);
    return sent.length;
  });
}

test("touch() tells all at once of room that was promised or is free again", () => {
  const slots = [{ freeSlotsIn: 1 }, { freeSlotsIn: 0 }, { freeSlotsIn: 0 }, { freeSlotsIn: 1 }];
  expect(toldOf(slots)).toEqual([0, 1, 1, 2]);
  const cores = [2, 2.4, 2.6, 2.1, 2].map((projectedCpuCores) => ({ projectedCpuCores }));
  expect(toldOf(cores)).toEqual([0, 0, 1, 1, 2]);
  // An idle host is room as well, once it has measured that it is.
  expect(toldOf([{ measuring: true }, { measuring: true }, {}, {}])).toEqual([0, 0, 1, 1]);
  const bytes = [20, 24, 26].map((projectedMemoryBytes) => ({ projectedMemoryBytes }));
  expect(toldOf(bytes)).toEqual([0, 0, 1]);
});

test("touch() tells of room once a second, and then what it is by that time", () => {
  let freeSlotsIn = 1;
  const { publisher, deadlines, sent } = publishing({ figures: () => ({ ...size, freeSlotsIn }) });
  const change = (slots: number, nowMs: number) => {
    freeSlotsIn = slots;
    publisher.touch(nowMs);
    publisher.publish(nowMs);
    return sent.length;
  };
  expect([change(1, 0), change(0, 1_000), change(1, 1_300), change(2, 1_600)]).toEqual([
    0, 1, 1, 1,
  ]);
  expect(deadlines.atMs("publish")).toBe(2_000);
  publisher.publish(2_000);
  expect(sent).toHaveLength(2);
  expect(deadlines.atMs("publish")).toBe(7_000);
  publisher.publish(7_000);
  expect(sent).toHaveLength(2);
});

test("touch() tells only those near of it in a large cluster, as often", () => {
  let freeSlotsIn = 1;
  const figures = () => ({ ...size, freeSlotsIn });
  const { publisher, sent, nearby } = publishing({ figures, isLarge: true });
  for (const [slots, nowMs] of [
    [1, 0],
    [0, 1_000],
    [0, 2_000],
    [1, 2_100],
    [0, 2_400],
  ] as const) {
    freeSlotsIn = slots;
    publisher.touch(nowMs);
    publisher.publish(nowMs);
  }
  expect(sent).toEqual([]);
  expect(nearby).toEqual([0, 1]);
});

test("publish() by its own time tells nobody of a load that only swings", () => {
  let projectedCpuCores = 2;
  const { publisher, sent } = publishing({ figures: () => ({ ...size, projectedCpuCores }) });
  publisher.touch(0);
  publisher.publish(0);
  projectedCpuCores = 8;
  publisher.publish(5_000);
  expect(sent).toEqual([]);
  publisher.touch(6_000);
  publisher.publish(6_000);
  expect(sent).toEqual(["summary"]);
});

function manyVms(count: number): Record<string, "running"> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`vm-${at}`, "running"]));
}
