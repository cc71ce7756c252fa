import { describe, expect, it } from "vitest";
import type { Effect } from "#lib/core/effects.ts";
import type { DigestEntry } from "#lib/wire/messages.ts";
import { actDocument, line, NodeDriver, settledDriver } from "../../support/node-driver.ts";
import { inventoryRecord, summaryRecord } from "../../support/view-records.ts";

const noDigest = { type: "digest", entries: [], documents: [], verdicts: [] } as const;

/** How often the own summary changed, as a peer that asks every 50 ms would see it. */
function publications(driver: NodeDriver, forMs: number, seqs = new Set<number>()): number {
  for (let ms = 0; ms < forMs; ms += 50) {
    driver.wait(50);
    driver.receive("QmOther", noDigest);
    for (const { message } of driver.sends("delta")) {
      for (const record of message.records)
        if (record.kind === "summary" && record.host === driver.self) seqs.add(record.seq);
    }
  }
  return seqs.size;
}

describe("Cluster", () => {
  it("is on hold until a document says otherwise", () => {
    const driver = settledDriver();
    expect(driver.node.snapshot(driver.nowMs).mode).toBe("hold");
    driver.gossip("QmOther", { documents: [actDocument] });
    expect(driver.node.snapshot(driver.nowMs).mode).toBe("act");
    expect(driver.kept("doc/mode")).toEqual(actDocument);
  });

  it.each([
    { name: "an older version", change: { version: 2 }, mode: "act" },
    { name: "a newer version", change: { version: 4 }, mode: "hold" },
    { name: "a lower hash", change: { hash: "a9" }, mode: "act" },
    { name: "a higher hash", change: { hash: "ab" }, mode: "hold" },
  ])("merges documents: $name", ({ change, mode }) => {
    const driver = settledDriver({ mode: "act" });
    const hold = { ...actDocument, value: JSON.stringify({ mode: "hold" }), ...change };
    driver.gossip("QmOther", { documents: [hold] });
    expect(driver.node.snapshot(driver.nowMs).mode).toBe(mode);
  });

  it("keeps documents over a restart", () => {
    const driver = new NodeDriver();
    driver.start({ journal: [line("doc/mode", actDocument)] });
    expect(driver.node.snapshot(driver.nowMs).mode).toBe("act");
  });

  it("publishes its summary seldom, and at once when something mattered", () => {
    const driver = settledDriver();
    expect(publications(driver, 30_000)).toBeLessThanOrEqual(8);
    driver.step({ type: "addressesChanged", addresses: ["/ip4/10.9.9.9/tcp/1"], probePort: 1 });
    expect(driver.node.nextTimeoutMs).toBeLessThanOrEqual(driver.nowMs + 250);
  });

  it("publishes no more often than its bound, however much matters", () => {
    const driver = settledDriver();
    const seqs = new Set<number>();
    for (let i = 0; i < 100; i++) {
      driver.step({
        type: "addressesChanged",
        addresses: [`/ip4/10.9.9.${i}/tcp/1`],
        probePort: 1,
      });
      publications(driver, 50, seqs);
    }
    expect(seqs.size).toBeGreaterThan(10);
    expect(seqs.size).toBeLessThanOrEqual(22);
  });

  it("gossips with one neighbour a second, each in its turn", () => {
    const driver = settledDriver();
    for (const host of ["QmA", "QmB", "QmC"]) driver.step({ type: "peerConnected", host });
    driver.forget();
    driver.wait(30_000);
    const asked = driver.sends("digest", driver.all).map(({ to }) => to);
    expect(asked.length).toBeGreaterThanOrEqual(26);
    expect(asked.length).toBeLessThanOrEqual(34);
    for (let i = 0; i + 3 <= asked.length - (asked.length % 3); i += 3) {
      expect(new Set(asked.slice(i, i + 3)).size).toBe(3);
    }
    driver.step({ type: "peerDisconnected", host: "QmB" });
    driver.forget();
    driver.wait(10_000);
    expect(driver.sends("digest", driver.all).map(({ to }) => to)).not.toContain("QmB");
  });

  it("says hello to all when its first connection stands", () => {
    const driver = settledDriver();
    driver.step({ type: "peerConnected", host: "QmA" });
    driver.wait(600);
    const hello = driver.all.filter((effect) => effect.type === "broadcast");
    expect(hello).toMatchObject([{ message: { records: [{ host: driver.self }] } }]);
  });

  const isHello = (effect: Effect) =>
    effect.type === "broadcast" && effect.message.records.length > 0;

  /** Hosts at `seq`, heard of before the first connection; the hellos of the next 10 s. */
  function hellosAmong(count: number, seq: number): number {
    const driver = settledDriver();
    const records = Array.from({ length: count }, (_, i) =>
      summaryRecord(`QmH${"abcdefgh"[i % 8]}${i + 1}`, seq),
    );
    for (let i = 0; i < count; i += 50) {
      driver.gossip("QmOther", { records: records.slice(i, i + 50) });
    }
    driver.forget();
    driver.step({ type: "peerConnected", host: "QmHa1" });
    driver.wait(1_000);
    const early = driver.all.filter(isHello).length;
    driver.wait(2_500);
    const all = driver.all.filter(isHello).length;
    return early * 10 + (all - early);
  }

  it.each([
    { name: "as a newcomer among many, at once", count: 200, seq: 90, expected: 10 },
    { name: "a little later where some start together", count: 20, seq: 1, expected: 1 },
    { name: "not at all where many start together", count: 200, seq: 1, expected: 0 },
  ])("says hello $name", ({ count, seq, expected }) => {
    expect(hellosAmong(count, seq)).toBe(expected);
  });

  it("marks the digests of a large view as partial, and tells ages with records", () => {
    const driver = settledDriver();
    const records = Array.from({ length: 300 }, (_, i) =>
      summaryRecord(`QmL${i + 1}`.replaceAll("0", "z"), 4),
    );
    for (let i = 0; i < 300; i += 50) {
      driver.gossip("QmOther", { records: records.slice(i, i + 50), ages: Array(50).fill(2_000) });
    }
    driver.step({ type: "peerConnected", host: "QmOther" });
    const digest = driver.sends("digest").at(-1)?.message;
    expect(digest?.partial).toBe(true);
    expect(digest?.entries.length).toBeLessThanOrEqual(64);
    driver.receive("QmOther", { ...noDigest, partial: true });
    const delta = driver.sends("delta")[0]?.message;
    expect(delta?.records.length).toBeGreaterThan(1);
    expect(delta?.ages).toHaveLength(delta?.records.length ?? -1);
    expect(delta?.ages?.filter((ageMs) => ageMs >= 2_000).length).toBeGreaterThan(0);
  });

  it("passes a word on that is new to it as far as it may go, and once", () => {
    const driver = settledDriver();
    for (const host of ["QmFirst", "QmThird", "QmOther"])
      driver.step({ type: "peerConnected", host });
    driver.forget();
    const word = { records: [summaryRecord("QmMaker", 4)], ages: [10], hops: 2 };
    const passed = () =>
      driver.sends("delta").flatMap(({ to, message }) => (message.hops ? [to, message.hops] : []));
    driver.gossip("QmFirst", word);
    expect(passed().sort()).toEqual([1, 1, "QmOther", "QmThird"]);
    driver.gossip("QmThird", word);
    expect(passed()).toEqual([]);
    driver.gossip("QmFirst", { ...word, records: [summaryRecord("QmMaker", 5)], hops: 1 });
    expect(passed()).toEqual([]);
  });

  it("remembers no more peers than it can dial after a restart", () => {
    const driver = settledDriver();
    const records = Array.from({ length: 400 }, (_, i) =>
      summaryRecord(`QmP${i + 1}`.replaceAll("0", "z"), 4),
    );
    for (let i = 0; i < 400; i += 50) {
      driver.gossip("QmOther", { records: records.slice(i, i + 50) });
    }
    const peers = driver.journal.filter(({ key }) => key.startsWith("peer/"));
    expect(peers).toHaveLength(256);
  });

  it("answers a digest with what the other lacks, and only then", () => {
    const driver = settledDriver();
    driver.receive("QmOther", noDigest);
    const [answer] = driver.sends("delta");
    expect(answer?.message.records.map(({ host }) => host).sort()).toContain(driver.self);
    const known = answer?.message.records ?? [];
    const entries = known.map(({ host }): DigestEntry => [host, 9, 9_999, 9, 9_999]);
    const others = entries.filter(([host]) => host !== driver.self);
    driver.receive("QmOther", { ...noDigest, entries: others });
    expect(driver.sends("delta")[0]?.message.wants.length).toBe(others.length);
  });

  it("forgets a host that is gone for a day, and remembers its address until then", () => {
    const driver = settledDriver();
    expect(driver.kept("peer/QmOther")).toEqual({ addresses: [], probePort: 0 });
    driver.mute("QmOther");
    driver.wait(25 * 3_600_000);
    expect(driver.kept("peer/QmOther")).toBeUndefined();
    expect(driver.node.snapshot(driver.nowMs).members).toHaveLength(1);
  });
});

describe("Cluster and its own identity", () => {
  const claim = (driver: NodeDriver, incarnation: number, seq = 1) =>
    driver.receive("QmOther", {
      ...noDigest,
      entries: [[driver.self, incarnation, seq, incarnation, seq]],
    });

  it("learns its own highest incarnation, durable before it is told", () => {
    const driver = settledDriver();
    claim(driver, 50);
    expect(driver.kept("meta/incarnation")).toBe(51);
    const told = driver.last.findIndex((effect) => effect.type === "broadcast");
    const kept = driver.last.findIndex((effect) => effect.type === "persist");
    expect(kept).toBeGreaterThanOrEqual(0);
    expect(told).toBeGreaterThan(kept);
    expect(driver.notices("clone")).toEqual([]);
  });

  it("learns it from a record of itself as well", () => {
    const driver = settledDriver();
    driver.gossip("QmOther", { records: [summaryRecord(driver.self, 3, 70)] });
    expect(driver.kept("meta/incarnation")).toBe(71);
  });

  it("is not impressed by its own older records, or by absurd ones", () => {
    const driver = settledDriver();
    claim(driver, 1, 1);
    for (let i = 0; i < 5; i++) claim(driver, 2 ** 40);
    expect(driver.kept("meta/incarnation")).toBe(1);
    expect(driver.all.filter((effect) => effect.type === "broadcast")).toEqual([]);
    expect(driver.node.snapshot(driver.nowMs).alarms).toEqual([]);
  });

  it("calls it a clone when its identity goes on being used, and refuses to act for a while", () => {
    const driver = settledDriver({ own: ["web"] });
    for (const incarnation of [50, 60, 70]) {
      driver.nowMs += 1_000;
      claim(driver, incarnation);
    }
    expect(driver.notices("clone")).toHaveLength(1);
    const snapshot = driver.node.snapshot(driver.nowMs);
    expect(snapshot.alarms).toMatchObject([{ code: "clone" }]);
    expect(snapshot.plan.reason).toContain("another agent bears this host's identity");
    expect(driver.node.snapshot(driver.nowMs + 60_000).alarms).toEqual([]);
  });

  it("takes strikes far apart for restored backups", () => {
    const driver = settledDriver();
    for (const incarnation of [50, 60, 70]) {
      driver.wait(40_000);
      claim(driver, incarnation);
    }
    expect(driver.notices("clone")).toEqual([]);
  });
});

describe("Cluster without a key", () => {
  const talk = (effects: readonly Effect[]) => JSON.stringify(effects);

  it("names no VM to anybody", () => {
    const driver = settledDriver({ keyed: false, own: ["secret"] });
    driver.step({ type: "peerConnected", host: "QmA" });
    driver.receive("QmA", noDigest);
    driver.wait(20_000);
    expect(driver.sends("delta", driver.all).length).toBeGreaterThan(0);
    const sent = driver.all.filter((one) => one.type === "send" || one.type === "broadcast");
    expect(talk(sent)).not.toContain("secret");
  });

  it("takes no documents and no inventories, and offers none", () => {
    const driver = settledDriver({ keyed: false });
    driver.gossip("QmOther", {
      documents: [actDocument],
      records: [inventoryRecord("QmOther", 5, { web: "running" })],
    });
    driver.receive("QmOther", {
      ...noDigest,
      documents: [{ name: "mode", version: 9, hash: "ff" }],
    });
    expect(driver.sends("delta")[0]?.message.wantsDocuments ?? []).toEqual([]);
    const { mode, vms } = driver.node.snapshot(driver.nowMs);
    expect({ mode, vms }).toEqual({ mode: "hold", vms: [] });
  });

  it("ignores members beyond its bound", () => {
    const driver = settledDriver({ keyed: false });
    for (let i = 0; i < 100; i++) driver.hear(`QmHost${i}`);
    expect(driver.node.snapshot(driver.nowMs).members).toHaveLength(64);
  });
});
