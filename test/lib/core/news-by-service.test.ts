import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type HostServiceNews, NewsByService } from "#lib/core/news-by-service.ts";
import type { MemberNews } from "#lib/model/member-news.ts";

const services = ["mail", "web"];
const hosts = ["QmA", "QmB", "QmC"];

const member = fc.record({
  service: fc.constantFrom(...services),
  state: fc.constantFrom("staging" as const, "running" as const, "suspended" as const),
  waiting: fc.boolean(),
});
const told = fc.record(
  {
    members: fc.uniqueArray(member, { maxLength: 2, selector: ({ service }) => service }),
    switch: fc.uniqueArray(fc.record({ service: fc.constantFrom(...services) }), {
      maxLength: 2,
      selector: ({ service }) => service,
    }),
  },
  { requiredKeys: ["members"] },
);
const step = fc.tuple(fc.constantFrom(...hosts), fc.option(told, { nil: undefined }));

function shown(news: NewsByService) {
  const sorted = <News>(all: ReadonlyMap<string, News>) =>
    [...all].sort(([a], [b]) => (a < b ? -1 : 1));
  const members = services.map((service) => sorted(news.membersOf(service)));
  const switches = services.map((service) => sorted(news.switchesOf(service)));
  return { hosts: [...news.hosts()].sort(), members, switches, staging: sorted(news.staging) };
}

describe("NewsByService", () => {
  it("holds what each host told last, and nothing else, whatever was told before", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const all = new NewsByService();
        const last = new Map<string, HostServiceNews | undefined>();
        for (const [host, news] of steps) {
          const whole = news as unknown as HostServiceNews | undefined;
          all.set(host, whole);
          last.set(host, whole);
        }
        const fresh = new NewsByService();
        for (const [host, news] of last) fresh.set(host, news);
        expect(shown(all)).toEqual(shown(fresh));
        for (const [host, news] of last) expect(all.of(host)).toBe(news);
      }),
    );
  });

  it("finds members by their service, and those that are staged or wait for it", () => {
    const one = { service: "web", state: "staging", waiting: false } as MemberNews;
    const two = { service: "mail", state: "running", waiting: false } as MemberNews;
    const all = new NewsByService();
    all.set("QmA", { members: [one, two] });
    expect([...all.membersOf("web")]).toEqual([["QmA", one]]);
    expect([...all.staging]).toEqual([["QmA", [one]]]);
    expect([...all.membersOf("shop")]).toEqual([]);
  });
});
