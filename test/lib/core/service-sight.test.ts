import { describe, expect, it } from "vitest";
import type { Cluster } from "#lib/core/cluster.ts";
import { GossipedNews } from "#lib/core/gossiped-news.ts";
import { GuestTable } from "#lib/core/guest-table.ts";
import { ServiceHosts } from "#lib/core/service-hosts.ts";
import { ServiceSight, type SightOptions } from "#lib/core/service-sight.ts";
import { Ledger } from "#lib/ledger/ledger.ts";
import type { MemberNews, SwitchNews } from "#lib/model/member-news.ts";
import { serviceSpecOf } from "../../support/declared-service.ts";
import { inventoryRecord, summaryRecord } from "../../support/view-records.ts";

const running: MemberNews = {
  ...{ service: "web", state: "running", outdated: false, waiting: false, cpuShare: 0.5 },
  ...{ diskBytes: 0, obstacle: "", atSwitch: "ready", drainMark: null },
};
const document = { version: 1, hash: "00" };

interface Peer {
  readonly state: "alive" | "suspect" | "dead";
  readonly restarting?: boolean;
  readonly members?: readonly MemberNews[];
  readonly switch?: readonly SwitchNews[];
}

/** What QmSelf sees of these, itself without a switch and with one running member. */
function sightOf(peers: Readonly<Record<string, Peer>>): ServiceSight {
  const hosts = Object.entries(peers);
  const cluster = {
    membership: {
      isRestarting: (host: string) => peers[host]?.restarting ?? false,
      stateOf: (host: string) => peers[host]?.state,
    },
    view: {
      hosts: () => hosts.map(([host]) => host),
      summaryOf: (host: string) => ({ record: summaryRecord(host, 1) }),
      inventoryOf: (host: string) => {
        const { members, switch: shown } = peers[host] ?? {};
        const record = inventoryRecord(host, 1);
        const news = { ...(members && { members }), ...(shown && { switch: shown }) };
        return { record: { ...record, body: { ...record.body, ...news } } };
      },
    },
  };
  const self = { options: { self: "QmSelf", name: "self" }, hostLoad: null, draining: false };
  const asked = { self: "QmSelf", hasSwitch: false, cluster: cluster as unknown as Cluster };
  const seen = new ServiceHosts(asked);
  seen.refresh(0);
  const gossiped = new GossipedNews(asked);
  gossiped.refresh();
  const options = {
    ...{ self, cluster, guests: new GuestTable(), ledger: new Ledger(), memoryShareMax: 0.9 },
    ...{ hosts: seen, others: gossiped.news },
  } as unknown as SightOptions;
  return new ServiceSight(options, { members: [running] });
}

function shows(host: string, sessions: number, drainMark: number | null = null): SwitchNews {
  const state = drainMark === null ? "ready" : "drain";
  return {
    service: "web",
    queued: 4,
    problem: "",
    members: [{ host, state, sessions, drainMark }],
  };
}

describe("ServiceSight", () => {
  it("counts as live who is alive or restarts, and none that says nothing of members", () => {
    const sight = sightOf({
      QmAlive: { state: "alive", members: [running] },
      QmDead: { state: "dead", members: [running] },
      QmOlder: { state: "alive" },
      QmRestarts: { state: "suspect", restarting: true, members: [running] },
      QmSuspect: { state: "suspect", members: [running] },
    });
    expect(sight.liveHosts).toEqual(["QmSelf", "QmAlive", "QmRestarts"]);
    const members = sight.membersOf("web").map(({ host }) => host);
    expect(members).toEqual(["QmSelf", "QmAlive", "QmRestarts", "QmSuspect"]);
    expect(sight.membersOf("mail")).toEqual([]);
  });

  it("adds the sessions of all live switches, and knows of none where there is no switch", () => {
    const one = { state: "alive", members: [] } as const;
    const both = { QmA: { ...one, switch: [shows("QmSelf", 2)] } };
    const sight = sightOf({ ...both, QmB: { ...one, switch: [shows("QmSelf", 3)] } });
    expect(sight.membersOf("web")[0]?.sessions).toBe(5);
    expect(sightOf({ QmA: one }).membersOf("web")[0]?.sessions).toBeNull();
  });

  it("counts no queue of a switch that does not show yet who runs", () => {
    const at = (host: string) =>
      ({ state: "alive", members: [], switch: [shows(host, 0)] }) as const;
    const queued = (host: string) =>
      sightOf({ QmA: at(host) }).viewOf(serviceSpecOf("web"), document).queued;
    expect(queued("QmSelf")).toBe(4);
    expect(queued("QmOther")).toBe(0);
  });

  it("takes a member for drained once each switch that is not gone has carried out that drain", () => {
    const at = (shown: SwitchNews, state: Peer["state"] = "alive") => {
      return { state, members: [], switch: [shown] } as const;
    };
    const drained = (peers: Readonly<Record<string, Peer>>) =>
      sightOf(peers).isDrained("web", "QmSelf", 7);
    expect(drained({})).toBe(true);
    expect(drained({ QmA: at(shows("QmSelf", 0, 7)) })).toBe(true);
    expect(drained({ QmA: at(shows("QmSelf", 1, 7)) })).toBe(false);
    expect(drained({ QmA: at(shows("QmSelf", 0, 6)) })).toBe(false);
    expect(drained({ QmA: at(shows("QmSelf", 0, 7)), QmB: at(shows("QmSelf", 0)) })).toBe(false);
    expect(drained({ QmB: at(shows("QmSelf", 1), "suspect") })).toBe(false);
    expect(drained({ QmB: at(shows("QmSelf", 1), "dead") })).toBe(true);
  });
});
