import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MemberEntry, MemberState } from "#lib/services/member-entry.ts";
import { keepsMember, stagedHosts, stagingTurns } from "#lib/services/staging.ts";
import { memberEntry } from "../../support/service-fixture.ts";

const hosts = Array.from({ length: 8 }, (_, at) => `12D3KooWhost${at}`);
const web = { name: "web", stagedMax: 3 };

describe("stagedHosts()", () => {
  it("are all hosts, or so many", () => {
    expect(stagedHosts({ name: "web", stagedMax: null }, hosts).sort()).toEqual(hosts);
    expect(stagedHosts(web, hosts)).toHaveLength(3);
    expect(stagedHosts(web, hosts.slice(0, 2))).toHaveLength(2);
  });

  it("change by one host at most when one comes or goes", () => {
    fc.assert(
      fc.property(fc.subarray(hosts, { minLength: 1 }), fc.nat(), (live, at) => {
        const before = stagedHosts(web, live);
        const gone = live[at % live.length];
        const after = stagedHosts(
          web,
          live.filter((host) => host !== gone),
        );
        const lost = before.filter((host) => !after.includes(host));
        expect(lost).toEqual(before.filter((host) => host === gone));
      }),
    );
  });
});

describe("keepsMember()", () => {
  const chosen = stagedHosts(web, hosts);
  const self = hosts.find((host) => !chosen.includes(host)) ?? "";
  const keeps = (own: MemberState, others: MemberState) =>
    keepsMember(web, {
      self,
      hosts,
      members: [
        memberEntry(self, { state: own }),
        ...chosen.map((host) => memberEntry(host, { state: others })),
      ],
    });

  it("is true of the chosen hosts, whatever they have", () => {
    expect(keepsMember(web, { self: chosen[0] ?? "", hosts, members: [] })).toBe(true);
    expect(keepsMember(web, { self, hosts, members: [] })).toBe(false);
  });

  it("lets a displaced one go only when all the chosen can serve, and it does not", () => {
    expect(keeps("suspended", "suspended")).toBe(false);
    expect(keeps("suspended", "running")).toBe(false);
    expect(keeps("suspended", "staging")).toBe(true);
    expect(keeps("running", "suspended")).toBe(true);
    expect(keeps("resuming", "suspended")).toBe(true);
    expect(keeps("stale", "staging")).toBe(false);
    expect(keeps("absent", "absent")).toBe(false);
  });
});

describe("stagingTurns()", () => {
  const waiting = (service: string, host: string, state: MemberState = "absent") =>
    memberEntry(host, { service, state, waiting: true });
  const turns = (members: readonly MemberEntry[], stagingsMax = 4) =>
    stagingTurns(members, { stagingsMax });

  it("are few in the cluster, those under way included", () => {
    const members = hosts.map((host) => waiting("web", host));
    expect(turns(members)).toHaveLength(4);
    const one = turns(members)[0]?.host;
    const begun = members.map((member) =>
      member.host === one ? memberEntry(member.host, { state: "staging" }) : member,
    );
    expect(turns(begun)).toHaveLength(3);
  });

  it("are one a host", () => {
    const members = ["web", "db", "mail"].map((service) => waiting(service, "12D3KooWhost0"));
    expect(turns(members)).toHaveLength(1);
    const busy = memberEntry("12D3KooWhost0", { service: "shop", state: "staging" });
    expect(turns([...members, busy])).toEqual([]);
  });

  it("are one a service where members are staged anew", () => {
    const members = hosts.map((host) => waiting("web", host, "stale"));
    expect(turns(members)).toHaveLength(1);
    expect(turns([...members, memberEntry("12D3KooWother", { state: "staging" })])).toEqual([]);
    const both = [...members, ...hosts.map((host) => waiting("db", host, "stale"))];
    expect(
      turns(both)
        .map(({ service }) => service)
        .sort(),
    ).toEqual(["db", "web"]);
  });

  it("come to those first that were never staged", () => {
    const members = [waiting("web", "12D3KooWhost0", "stale"), waiting("web", "12D3KooWhost1")];
    expect(turns(members).map(({ state }) => state)).toEqual(["absent"]);
  });

  it("are the same on every host that knows the same", () => {
    const members = ["web", "db"].flatMap((service) => hosts.map((host) => waiting(service, host)));
    expect(turns([...members].reverse())).toEqual(turns(members));
  });

  it("never come to one that is not waiting", () => {
    expect(turns(hosts.map((host) => memberEntry(host, { state: "stale" })))).toEqual([]);
  });
});
