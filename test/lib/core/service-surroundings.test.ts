import { describe, expect, it } from "vitest";
import { GuestTable } from "#lib/core/guest-table.ts";
import { Outbox } from "#lib/core/outbox.ts";
import { draftReports } from "#lib/core/report-drafts.ts";
import type { Self } from "#lib/core/self.ts";
import { ServiceSurroundings } from "#lib/core/service-surroundings.ts";
import { stewardWords } from "#lib/core/steward-words.ts";
import { Ledger } from "#lib/ledger/ledger.ts";
import type { MemberNews } from "#lib/model/member-news.ts";
import { rendezvousOrder } from "#lib/services/rendezvous.ts";
import type { MemberReportMessage } from "#lib/wire/messages.ts";
import { serviceSpecOf } from "../../support/declared-service.ts";
import { largeCluster } from "../../support/large-cluster.ts";
import { runningNews } from "../../support/member-news-fixture.ts";

const order = rendezvousOrder("web", ["QmA", "QmB", "QmC", "QmD"]);
const [steward = "", second = "", third = "", last = ""] = order;
const suspended: MemberNews = { ...runningNews, state: "suspended", cpuShare: null };
const noWords = new Map();
const hasBackend = () => true;

/** What `self` knows of a large cluster in which the last host has the only switch. */
function around(self: string) {
  const outbox = new Outbox();
  const peers = order
    .filter((host) => host !== self)
    .map((host) => {
      const services = host === last ? ("switch" as const) : ("members" as const);
      return [host, { state: "alive", services }] as const;
    });
  const surroundings = new ServiceSurroundings({
    self: { options: { self, name: self }, hostLoad: null, draining: false } as unknown as Self,
    hasSwitch: self === last,
    outbox,
    cluster: largeCluster(Object.fromEntries(peers)),
    guests: new GuestTable(),
    ledger: new Ledger(),
    memoryShareMax: 0.9,
  });
  return { surroundings, outbox };
}

function report(changes: Partial<MemberReportMessage>): MemberReportMessage {
  const standing = { draining: false, utilisation: 0.25, freeMemoryBytes: 42 };
  const none = { members: [], switch: [], mayStage: [], mayGo: [] };
  return { type: "memberReport", incarnation: 1, seq: 1, standing, ...none, ...changes };
}

describe("reports in a large cluster", () => {
  it("go to the service's steward, and to switches if it has a backend", () => {
    const { surroundings } = around(third);
    const sight = surroundings.sight({ members: [suspended] }, 0);
    const own = { members: [suspended] };
    const drafted = (backend: boolean) => [
      ...draftReports(sight, { own, words: noWords, hasBackend: () => backend }).keys(),
    ];
    expect(drafted(true).sort()).toEqual([last, steward].sort());
    expect(drafted(false)).toEqual([steward]);
    const absent = { ...suspended, state: "absent" } as const;
    const idle = draftReports(sight, { own: { members: [absent] }, words: noWords, hasBackend });
    expect(idle.size).toBe(0);
  });

  it("bring what a switch shows to the steward, and to hosts whose members drain", () => {
    const { surroundings } = around(last);
    const at = (host: string, drainMark: number | null) => {
      return { host, state: "drain", sessions: 0, drainMark } as const;
    };
    const members = [at(second, 7), at(third, null)];
    const own = { members: [], switch: [{ service: "web", queued: 0, problem: "", members }] };
    const drafts = draftReports(surroundings.sight(own, 0), { own, words: noWords, hasBackend });
    expect(drafts.get(steward)?.switch[0]?.members).toEqual(members);
    expect(drafts.get(second)?.switch[0]?.members).toEqual([at(second, 7)]);
    expect(drafts.has(third)).toBe(false);
  });

  it("are all that is gone by: members, standing, drains, and the steward's word", () => {
    const { surroundings, outbox } = around(second);
    const own = { members: [{ ...runningNews, state: "draining", drainMark: 7 } as const] };
    surroundings.heard(third, report({ members: [suspended] }), 0);
    const sight = surroundings.sight(own, 0);
    expect(sight.isWhole).toBe(false);
    expect(sight.membersOf("web").map(({ host }) => host)).toEqual([second, third]);
    const view = sight.viewOf(serviceSpecOf("web"), { version: 1, hash: "00" });
    expect(view.hosts.find(({ host }) => host === third)?.freeMemoryBytes).toBe(42);
    expect(sight.isDrained("web", second, 7)).toBe(false);
    const shown = { host: second, state: "maint", sessions: 0, drainMark: 7 } as const;
    const news = { service: "web", queued: 0, problem: "", members: [shown] };
    surroundings.heard(last, report({ switch: [news] }), 0);
    expect(surroundings.sight(own, 0).isDrained("web", second, 7)).toBe(true);
    expect(sight.stewardSays("mayStage", "web")).toBe(false);
    surroundings.heard(steward, report({ mayStage: ["web"] }), 0);
    expect(sight.stewardSays("mayStage", "web")).toBe(true);
    surroundings.tell(own, { hasBackend, nowMs: 0 });
    const told = outbox.take().map((effect) => (effect.type === "send" ? effect.to : ""));
    expect(told.sort()).toEqual([last, steward].sort());
  });
});

describe("stewardWords()", () => {
  it("gives turns to those that wait, and lets go whom nobody needs", () => {
    const { surroundings } = around(steward);
    const waiting = { ...suspended, state: "absent", waiting: true } as const;
    surroundings.heard(second, report({ members: [waiting] }), 0);
    surroundings.heard(third, report({ members: [suspended] }), 0);
    const spec = serviceSpecOf("web", { stagedMax: 2 });
    const words = () => stewardWords([spec], surroundings.sight({ members: [suspended] }, 0));
    expect(words()).toEqual(new Map([[second, { mayStage: ["web"], mayGo: [] }]]));
    // Those that should be staged can serve now: the third is not needed any more.
    surroundings.heard(second, report({ seq: 2, members: [suspended] }), 0);
    expect(words()).toEqual(new Map([[third, { mayStage: [], mayGo: ["web"] }]]));
  });
});
