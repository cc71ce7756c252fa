import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { FreshList } from "#lib/view/fresh-list.ts";
import { HostTable } from "#lib/view/host-table.ts";
import { viewDefaults } from "#lib/view/params.ts";
import { PartialExchange } from "#lib/view/partial-exchange.ts";
import type { DigestEntry } from "#lib/wire/messages.ts";
import { summaryRecord } from "../../support/view-records.ts";

const params = {
  ...viewDefaults,
  partialEntriesMax: 8,
  freshNamedMax: 4,
  freshGivenMax: 2,
  restGivenMax: 1,
  newcomerGivenMax: 5,
  freshMs: 10,
};

/** Knows self and `hosts`: h0 made its summary at 0 ms, h1 at 1 ms and so on, all at seq 1. */
function exchangeOf(hosts: number, hostsMax = 1_000): PartialExchange {
  const table = new HostTable();
  const fresh = new FreshList();
  for (const [madeAtMs, host] of [...Array(hosts).keys()].map((i) => [i, `h${i}`] as const)) {
    const records = table.add(host);
    const record = summaryRecord(host, 1);
    records.summary = { records, record, receivedAtMs: madeAtMs, madeAtMs };
    records.summaryIncarnation = 0;
    records.summarySeq = 1;
    fresh.add(records.summary);
  }
  return new PartialExchange({ self: "self", params: { ...params, hostsMax }, table, fresh });
}

const knows = (host: string, seq: number): DigestEntry => [host, 0, seq, -1, -1];
/** A digest begins with its sender. */
const sender = knows("h0", 1);

function answered(
  entries: readonly DigestEntry[],
  { isPartial = true, isGrowing = false, hosts = 30, hostsMax = 1_000 } = {},
) {
  const options = { nowMs: 30, isPartial, isGrowing };
  const answer = exchangeOf(hosts, hostsMax).answer(entries, options);
  const wants = answer.wants.map(([host]) => host);
  return { given: answer.given.map(({ record }) => record.host), wants };
}

describe("PartialExchange digest", () => {
  it("names self, then the freshest, then others by chance, nobody twice", () => {
    const exchange = exchangeOf(30);
    const prng = new Prng(3);
    const rest = new Set<string>();
    for (let times = 0; times < 100; times += 1) {
      const names = exchange.digest(prng).map(([host]) => host);
      expect(names.slice(0, 5)).toEqual(["self", "h29", "h28", "h27", "h26"]);
      expect(names.length).toBeLessThanOrEqual(params.partialEntriesMax);
      expect(new Set(names).size).toBe(names.length);
      for (const name of names.slice(5)) rest.add(name);
    }
    expect(rest.size).toBe(26);
  });
});

describe("PartialExchange answer", () => {
  it("gives the freshest that were not named, and none that are stale", () => {
    expect(answered([sender, knows("h29", 1)]).given).toEqual(["h28", "h27"]);
    const all = Array.from({ length: 10 }, (_, i) => knows(`h${29 - i}`, 1));
    expect(answered([sender, ...all]).given).toEqual([]);
  });

  it("gives one that knows of few as much as a message holds, stale or not", () => {
    const given = answered([sender], { isPartial: false, hosts: 3 }).given;
    expect(given).toEqual(["h2", "h1"]);
    expect(answered([sender], { isPartial: false }).given).toHaveLength(params.newcomerGivenMax);
  });

  it("gives one that still learns who is there as many, whoever they are", () => {
    const { given } = answered([sender], { isGrowing: true });
    expect(given).toHaveLength(params.newcomerGivenMax);
    expect(new Set(given).size).toBe(given.length);
  });

  it("gives a stale one that the sender lacks, the last that it named", () => {
    const entries = [sender, knows("h29", 1), knows("h28", 1), knows("h3", 0), knows("h2", 0)];
    expect(answered(entries).given).toEqual(["h27", "h26", "h2"]);
  });

  it("asks for the first of the fresh and of the rest that are newer there", () => {
    const fresh = ["h29", "h28", "h27", "h26"].map((host) => knows(host, 2));
    const rest = ["h1", "h2"].map((host) => knows(host, 2));
    expect(answered([sender, ...fresh, ...rest]).wants).toEqual(["h29", "h28", "h1"]);
    expect(answered([sender, knows("h29", 1)]).wants).toEqual([]);
  });

  it("asks for strangers of the rest only while there is room", () => {
    const named = ["h29", "h28", "h27", "h26"].map((host) => knows(host, 1));
    const entries = [sender, ...named, knows("stranger", 1)];
    expect(answered(entries).wants).toEqual(["stranger"]);
    expect(answered(entries, { hostsMax: 30 }).wants).toEqual([]);
    expect(answered([sender, knows("stranger", 1)], { hostsMax: 30 }).wants).toEqual(["stranger"]);
  });
});
