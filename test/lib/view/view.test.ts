import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import type { HostRecord } from "#lib/model/record.ts";
import { vastDefaults, viewDefaults } from "#lib/view/params.ts";
import { View } from "#lib/view/view.ts";
import type { DigestEntry } from "#lib/wire/messages.ts";
import { inventoryRecord, summaryRecord } from "../../support/view-records.ts";

function viewOf(records: readonly HostRecord[] = [], params = viewDefaults): View {
  const view = new View({ self: "me", params });
  for (const record of records) view.merge(record, 0);
  return view;
}

/** What a view believes, to be compared. */
function beliefs(view: View): unknown {
  return view.hosts().map((host) => {
    const summary = view.summaryOf(host);
    const received = summary && [summary.record, summary.receivedAtMs, summary.madeAtMs];
    return [host, received, view.inventoryOf(host)];
  });
}

const prng = new Prng(1);
const host = fc.constantFrom("a", "b", "c");
const version = fc.nat(3);
const record: fc.Arbitrary<HostRecord> = fc.oneof(
  fc
    .tuple(host, version, version)
    .map(([name, seq, incarnation]) => summaryRecord(name, seq, incarnation)),
  fc
    .tuple(host, version)
    .map(([name, seq]) => inventoryRecord(name, seq, { [`vm-${name}-${seq}`]: "running" })),
);
const records = fc.array(record, { maxLength: 30 });

describe("View.merge()", () => {
  it("gives the same view in any order: it is commutative and associative", () => {
    fc.assert(
      fc.property(records, fc.integer(), (list, seed) => {
        const shuffled = new Prng(seed).shuffle(list);
        expect(beliefs(viewOf(shuffled))).toEqual(beliefs(viewOf(list)));
      }),
    );
  });

  it("changes nothing the second time: it is idempotent", () => {
    fc.assert(
      fc.property(records, (list) => {
        const view = viewOf(list);
        const before = beliefs(view);
        for (const again of list) expect(view.merge(again, 5)).toBe("stale");
        expect(beliefs(view)).toEqual(before);
      }),
    );
  });

  it("puts the incarnation before the seq, and each kind by itself", () => {
    const view = viewOf([summaryRecord("a", 9, 1)]);
    expect(view.merge(summaryRecord("a", 10, 0), 1)).toBe("stale");
    expect(view.merge(summaryRecord("a", 0, 2), 2)).toBe("new");
    expect(view.merge(inventoryRecord("a", 0), 3)).toBe("new");
    const summary = { record: summaryRecord("a", 0, 2), receivedAtMs: 2, madeAtMs: 2 };
    expect(view.summaryOf("a")).toMatchObject(summary);
    expect(view.inventoryOf("a")?.receivedAtMs).toBe(3);
  });

  it("tells a newer record of self from an echo, and keeps its own", () => {
    const view = viewOf();
    expect(view.merge(summaryRecord("me", 5), 0)).toBe("own");
    view.publishOwn(summaryRecord("me", 6), 1);
    expect(view.merge(summaryRecord("me", 6), 2)).toBe("stale");
    expect(view.merge(summaryRecord("me", 7), 2)).toBe("own");
    expect(view.summaryOf("me")?.record.seq).toBe(6);
  });

  it("keeps no more hosts than its bound, and goes on with those it has", () => {
    const view = viewOf([summaryRecord("a", 1), summaryRecord("b", 1)], {
      ...viewDefaults,
      hostsMax: 2,
    });
    expect(view.merge(summaryRecord("c", 1), 0)).toBe("stale");
    expect(view.merge(summaryRecord("a", 2), 0)).toBe("new");
    expect(view.hosts()).toEqual(["a", "b"]);
  });

  it("brings a dropped host back only by something newer", () => {
    const view = viewOf([summaryRecord("a", 3)]);
    view.drop("a");
    view.drop("a");
    expect(view.hosts()).toEqual([]);
    expect(view.merge(summaryRecord("a", 3), 0)).toBe("stale");
    expect(view.answer([["a", 0, 3, -1, -1]])).toEqual({ records: [], wants: [] });
    expect(view.merge(summaryRecord("a", 4), 0)).toBe("new");
  });

  it("remembers a bounded number of dropped hosts", () => {
    const view = viewOf([summaryRecord("a", 1), summaryRecord("b", 1)], {
      ...viewDefaults,
      droppedMax: 1,
    });
    view.drop("a");
    view.drop("b");
    expect(view.merge(summaryRecord("b", 1), 0)).toBe("stale");
    expect(view.merge(summaryRecord("a", 1), 0)).toBe("new");
  });
});

/** One push-pull: a's digest, b's answer, a's answer to b's wishes. */
function exchange(a: View, b: View): void {
  const { records: forA, wants } = b.answer(a.digest(prng), 0, a.isLarge && "partial");
  for (const one of forA) a.merge(one, 0);
  for (const one of a.recordsFor(wants)) b.merge(one, 0);
}

describe("View exchange", () => {
  it("makes two views equal in one round, and quiet in the next", () => {
    fc.assert(
      fc.property(records, records, (left, right) => {
        const a = viewOf(left);
        const b = viewOf(right);
        exchange(a, b);
        const both = beliefs(viewOf([...left, ...right]));
        expect(beliefs(a)).toEqual(both);
        expect(beliefs(b)).toEqual(both);
        expect(b.answer(a.digest(prng))).toEqual({ records: [], wants: [] });
      }),
    );
  });

  it("names self first and everybody once, up to 256 hosts", () => {
    const hosts = Array.from({ length: 255 }, (_, i) => `h${i}`);
    const view = viewOf(hosts.map((name) => summaryRecord(name, 1)));
    const digest = view.digest(prng);
    expect(digest).toHaveLength(256);
    expect(digest[0]).toEqual(["me", -1, -1, -1, -1]);
    expect(new Set(digest.map(([name]) => name)).size).toBe(256);
    expect(view.isLarge).toBe(false);
  });

  it("sends no records of hosts that a partial digest does not name", () => {
    const view = viewOf([summaryRecord("z", 1)]);
    const partial = Array.from({ length: 256 }, (_, i): DigestEntry => [`h${i}`, 0, 0, -1, -1]);
    expect(view.answer(partial).records).toEqual([]);
    expect(view.answer(partial.slice(1)).records).toHaveLength(1);
    expect(view.answer(partial).wants).toHaveLength(256);
  });

  it("answers with the newest records when there are too many", () => {
    const view = viewOf();
    for (let i = 0; i < 200; i++) view.merge(summaryRecord(`h${i}`, 1), i);
    const { records: sent } = view.answer([]);
    expect(sent).toHaveLength(64);
    expect(sent[0]?.host).toBe("h199");
  });

  it("spreads to 300 hosts what one of them knows, through bounded messages", () => {
    const views = Array.from({ length: 10 }, (_, i) => {
      const view = new View({ self: `v${i}`, params: viewDefaults });
      view.publishOwn(summaryRecord(`v${i}`, 1), 0);
      return view;
    });
    for (let i = 0; i < 290; i++) views[0]?.merge(summaryRecord(`h${i}`, 1), 0);
    const random = new Prng(3);
    let rounds = 0;
    while (views.some((view) => view.hosts().length < 300) && rounds < 300) {
      rounds++;
      for (const view of views) exchange(view, random.pick(views) ?? view);
    }
    expect(rounds).toBeLessThan(300);
  });
});

describe("View.isShared()", () => {
  it("is true of a name that two hosts bear, until one of them is gone", () => {
    const view = viewOf();
    const named = (host: string, seq: number, name: string) => {
      const record = summaryRecord(host, seq);
      view.merge({ ...record, body: { ...record.body, name } }, 0);
    };
    named("a", 1, "same");
    named("b", 1, "other");
    expect([view.isShared("same"), view.sharedNames()]).toEqual([false, []]);
    named("b", 2, "same");
    expect([view.isShared("same"), view.sharedNames()]).toEqual([true, ["same"]]);
    view.drop("a");
    expect([view.isShared("same"), view.sharedNames()]).toEqual([false, []]);
  });
});

describe("View.duplicates()", () => {
  it("names a VM that two hosts show, whatever the versions, and not over the dead", () => {
    const view = viewOf();
    view.merge(inventoryRecord("a", 1, { web: "running", db: "running" }), 10);
    view.merge(inventoryRecord("b", 1, { web: "paused", db: "suspended" }), 20);
    view.publishOwn(inventoryRecord("me", 1, { db: "in-doubt" }), 30);
    expect(view.duplicates(() => "alive")).toEqual([{ vm: "web", hosts: ["a", "b"], sinceMs: 20 }]);
    expect(view.duplicates((name) => (name === "b" ? "dead" : "alive"))).toEqual([]);
    view.merge(inventoryRecord("a", 2, { db: "running" }), 40);
    expect(view.duplicates(() => "alive")).toEqual([]);
  });

  it("counts what this host shows itself, and forgets what is dropped", () => {
    const view = viewOf();
    view.publishOwn(inventoryRecord("me", 1, { web: "running" }), 0);
    view.merge(inventoryRecord("a", 1, { web: "migrating" }), 5);
    const stateOf = (name: string) => (name === "me" ? undefined : ("alive" as const));
    expect(view.duplicates(stateOf)).toMatchObject([{ vm: "web", hosts: ["a", "me"] }]);
    view.drop("a");
    expect(view.duplicates(stateOf)).toEqual([]);
  });
});

/** A view of `count` hosts, of which h0 was heard of first; one a millisecond. */
function largeView(count: number, params = viewDefaults): View {
  const view = new View({ self: "me", params });
  view.publishOwn(summaryRecord("me", 1), count);
  for (let i = 0; i < count; i++) view.merge(summaryRecord(`h${i}`, 5), i);
  return view;
}

const namesIn = (entries: readonly DigestEntry[]) => entries.map(([name]) => name);

describe("View of many hosts", () => {
  it("names self, the freshest and a random rest, each once", () => {
    const view = largeView(1000);
    expect(view.isLarge).toBe(true);
    const digest = namesIn(view.digest(prng));
    expect(digest[0]).toBe("me");
    expect(digest.slice(1, 49)).toEqual(Array.from({ length: 48 }, (_, i) => `h${999 - i}`));
    expect(digest.length).toBeGreaterThan(55);
    expect(digest.length).toBeLessThanOrEqual(64);
    expect(new Set(digest).size).toBe(digest.length);
    expect(namesIn(view.digest(prng)).slice(49)).not.toEqual(digest.slice(49));
  });

  it("gives its freshest to a partial digest, but not what that names, and nothing stale", () => {
    const view = largeView(1000);
    const theirs: DigestEntry[] = [
      ["me", 0, 1, -1, -1],
      ["h999", 0, 5, -1, -1],
    ];
    const { records } = view.answer(theirs, 1_000, "partial");
    expect(records.map(({ host }) => host)).toEqual(
      Array.from({ length: 5 }, (_, i) => `h${998 - i}`),
    );
    expect(view.answer(theirs, 60_000, "partial").records).toEqual([]);
  });

  it("gives a few records of long ago to whom they are news", () => {
    const view = largeView(1000);
    const old = Array.from({ length: 100 }, (_, i): DigestEntry => [`h${i}`, 0, 4, -1, -1]);
    const { records } = view.answer(old, 60_000, "partial");
    expect(records.map(({ host }) => host)).toEqual(["h99"]);
  });

  it("gives a newcomer as much as one message holds", () => {
    const view = largeView(1000);
    expect(view.answer([["new", 0, 1, -1, -1]], 60_000).records).toHaveLength(64);
  });

  it("asks for a bounded number of summaries and inventories, freshest first", () => {
    const view = largeView(1000);
    const entries = Array.from({ length: 128 }, (_, i): DigestEntry => [`h${i}`, 0, 9, 0, 1]);
    const { wants } = view.answer(entries, 1_000, "partial");
    const summaries = wants.filter((wish) => wish[2] === 5).map(([name]) => name);
    expect(summaries).toEqual([...Array.from({ length: 5 }, (_, i) => `h${i}`), ...["h49"]]);
    expect(wants.filter((wish) => wish[3] === -1)).toHaveLength(1);
  });

  it("keeps the age that a record came with, and adds its own", () => {
    const view = largeView(300);
    const record = summaryRecord("late", 1);
    view.merge(record, 10_000, 4_000);
    expect(view.summaryOf("late")).toMatchObject({ receivedAtMs: 10_000, madeAtMs: 6_000 });
    expect(view.agesOf([record], 10_500)).toEqual([4_500]);
    expect(view.freshest(1, 10_500)).toEqual([record]);
    expect(view.freshest(1, 21_500)).toEqual([]);
  });

  it("lets a fresh stranger displace a host long unheard of, and no other", () => {
    const displaced: string[] = [];
    const view = new View({
      self: "me",
      params: { ...viewDefaults, hostsMax: 4 },
      keeps: (name) => name === "h0",
      displaced: (name) => displaced.push(name),
    });
    view.publishOwn(summaryRecord("me", 1), 0);
    for (const [i, name] of ["h0", "h1", "h2"].entries()) view.merge(summaryRecord(name, 1), i);
    expect(view.merge(summaryRecord("x", 1), 10_000)).toBe("stale");
    expect(view.merge(summaryRecord("x", 1), 20_000, 15_000)).toBe("stale");
    expect(view.merge(inventoryRecord("x", 1), 20_000)).toBe("stale");
    expect(view.merge(summaryRecord("x", 1), 20_000)).toBe("new");
    expect(displaced).toEqual(["h1"]);
    expect(view.hosts()).toEqual(["h0", "h2", "me", "x"]);
    expect(view.merge(summaryRecord("h1", 1), 40_000)).toBe("new");
    expect(displaced).toHaveLength(2);
    expect(displaced).not.toContain("h0");
  });

  it("gives up knowing most of a vast cluster, unless it must", () => {
    const displaced: string[] = [];
    let mustKnowMany = true;
    const view = new View({
      self: "me",
      params: { ...viewDefaults, fullHostsMax: 2, hostsMax: 64 },
      vastParams: { ...vastDefaults, fullHostsMax: 2, hostsMax: 16 },
      mustKnowMany: () => mustKnowMany,
      keeps: (name) => name === "h0",
      displaced: (name) => displaced.push(name),
    });
    view.publishOwn(summaryRecord("me", 1), 0);
    for (let i = 0; i < 40; i += 1) view.merge(summaryRecord(`h${i}`, 1), i);
    const named: DigestEntry[] = [...Array(64).keys()].map((i) => [`x${i}`, 0, 0, -1, -1]);
    view.answer(named, 100, "partial");
    expect([view.isVast, view.size]).toEqual([false, 41]);
    mustKnowMany = false;
    view.answer([], 200, "partial");
    expect([view.isVast, view.size, displaced.length]).toEqual([true, 16, 25]);
    // Those heard of last are left, and whoever must not go.
    expect(view.hosts()).toEqual(
      ["h0", "me", ...[...Array(14).keys()].map((i) => `h${i + 26}`)].sort(),
    );
    expect(view.digest(new Prng(1)).length).toBeLessThanOrEqual(vastDefaults.partialEntriesMax);
    view.answer([], 1_300_000, "partial");
    view.answer([], 2_000_000, "partial");
    expect(view.isVast).toBe(false);
  });
});

describe("View.isGrowing", () => {
  it("lasts while many hosts are known by their inventory alone", () => {
    const hosts = Array.from({ length: 300 }, (_, at) => `host-${at}`);
    const view = viewOf(hosts.map((name) => inventoryRecord(name, 1)));
    for (const name of hosts.slice(0, 200)) view.merge(summaryRecord(name, 1), 1_000);
    view.merge(summaryRecord("host-0", 2), 60_000);
    expect([view.size, view.isGrowing]).toEqual([300, true]);
    for (const name of hosts.slice(200)) view.merge(summaryRecord(name, 1), 60_000);
    view.merge(summaryRecord("host-0", 3), 90_000);
    expect(view.isGrowing).toBe(false);
    // Forgotten with what it had told, it counts no more.
    view.drop("host-1");
    view.merge(summaryRecord("host-0", 4), 120_000);
    expect(view.isGrowing).toBe(false);
  });
});
