import { describe, expect, it } from "vitest";
import { rendezvousOrder } from "#lib/services/rendezvous.ts";
import {
  byHeat,
  byRank,
  type PlacedMember,
  placedMembers,
  resumable,
  type ServiceView,
  unwelcome,
} from "#lib/services/service-view.ts";
import { memberEntry } from "../../support/service-fixture.ts";
import { viewOf } from "../../support/service-view-fixture.ts";

const names = (members: readonly PlacedMember[]) => members.map(({ entry }) => entry.host);
const sorted = (view: ServiceView, by: typeof byHeat) => names(placedMembers(view).sort(by(view)));

describe("placedMembers()", () => {
  it("leaves out the members of hosts that are not live", () => {
    const view = viewOf([{ host: "node-1" }, { host: "node-2" }]);
    const members = [...view.members, memberEntry("node-3", { state: "running" })];
    expect(names(placedMembers({ ...view, members }))).toEqual(["node-1", "node-2"]);
  });
});

describe("resumable()", () => {
  it("has suspended members, those on the coldest hosts first", () => {
    const view = viewOf([
      { host: "node-1", utilisation: 0.8 },
      { host: "node-2", utilisation: 0.2 },
      { host: "node-3", utilisation: 0.5 },
      { host: "node-4", state: "running" },
      { host: "node-5", state: "stale" },
      { host: "node-6", state: "absent" },
    ]);
    expect(names(resumable(view))).toEqual(["node-2", "node-3", "node-1"]);
  });

  it("has none on a host that is drained or without memory for it", () => {
    const view = viewOf([
      { host: "node-1", draining: true },
      { host: "node-2", freeMemoryBytes: 255 * 2 ** 20 },
      { host: "node-3", freeMemoryBytes: 256 * 2 ** 20 },
    ]);
    expect(names(resumable(view))).toEqual(["node-3"]);
  });

  it("begins with what still drains, unless its template is old", () => {
    const view = viewOf([
      { host: "node-1", utilisation: 0.1 },
      { host: "node-2", utilisation: 0.9, state: "draining", freeMemoryBytes: 0 },
      { host: "node-3", state: "draining", outdated: true },
    ]);
    expect(names(resumable(view))).toEqual(["node-2", "node-1"]);
  });
});

describe("unwelcome()", () => {
  it("is what runs from an old template, on a drained host, or on one too many", () => {
    const hosts = [1, 2, 3, 4, 5, 6].map((at) => `node-${at}`);
    const last = rendezvousOrder("web", hosts)[5] ?? "";
    const others = hosts.filter((host) => host !== last);
    const [drained = "", old = "", resting = ""] = others;
    const view = viewOf(
      hosts.map((host) => ({
        host,
        state: host === resting ? "suspended" : "running",
        draining: host === drained || host === resting,
        outdated: host === old,
      })),
      { spec: { stagedMax: 5 } },
    );
    const found = names(placedMembers(view).filter(unwelcome(view)));
    expect(found.sort()).toEqual([drained, old, last].sort());
    const all = { ...view, spec: { ...view.spec, stagedMax: null } };
    expect(names(placedMembers(all).filter(unwelcome(all)))).not.toContain(last);
  });
});

describe("byHeat()", () => {
  it("puts the hottest first, and of equally hot ones that with the fewest sessions", () => {
    const view = viewOf([
      { host: "node-1", utilisation: 0.32, sessions: 0 },
      { host: "node-2", utilisation: 0.95, sessions: 7 },
      { host: "node-3", utilisation: 0.91, sessions: 2 },
      { host: "node-4", utilisation: 0.75, sessions: 1 },
    ]);
    expect(sorted(view, byHeat)).toEqual(["node-3", "node-2", "node-4", "node-1"]);
  });
});

describe("byRank()", () => {
  it("is the service's order from its end, whatever the load", () => {
    const hosts = ["node-1", "node-2", "node-3", "node-4"];
    const order = rendezvousOrder("web", hosts).reverse();
    const view = viewOf(hosts.map((host, at) => ({ host, utilisation: at / 4, sessions: at })));
    expect(sorted(view, byRank)).toEqual(order);
    const other = viewOf(hosts.map((host, at) => ({ host, utilisation: 1 - at / 4 })));
    expect(sorted(other, byRank)).toEqual(order);
  });

  it("begins with unwelcome ones, and ends with one that could not be suspended", () => {
    const [first = "", second = "", third = ""] = rendezvousOrder("web", [
      "node-1",
      "node-2",
      "node-3",
    ]);
    const view = viewOf([
      { host: first, state: "running", outdated: true, obstacle: "disk full" },
      { host: second, state: "running" },
      { host: third, state: "running", obstacle: "disk full" },
    ]);
    expect(sorted(view, byRank)).toEqual([first, second, third]);
  });
});
