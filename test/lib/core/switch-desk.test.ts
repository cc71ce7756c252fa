import { describe, expect, it } from "vitest";
import { Outbox } from "#lib/core/outbox.ts";
import type { SeenMember, SightHost } from "#lib/core/service-sight.ts";
import { SwitchDesk } from "#lib/core/switch-desk.ts";
import type { MemberNews } from "#lib/model/member-news.ts";
import type { BackendView, ServerState } from "#lib/model/switch.ts";
import { serviceSpecOf } from "../../support/declared-service.ts";

const web = serviceSpecOf("web");

function host(number: 1 | 2, news: Partial<MemberNews>, state: SightHost["state"] = "live") {
  const id = `QmHostNumber${number}`;
  const member: MemberNews = {
    ...{ service: "web", state: "running", outdated: false, waiting: false, cpuShare: null },
    ...{ diskBytes: 0, obstacle: "", atSwitch: "ready", drainMark: null },
    ...news,
  };
  return { at: { host: id, name: `n${number}`, state }, news: member };
}

/** What is seen of `web`, of which alone is asked. */
function seeing(...members: readonly SeenMember[]) {
  return { seenMembers: () => [...members] };
}

function view(states: readonly ServerState[], sessions = 0): BackendView {
  const servers = states.map((state, at) => ({
    name: `evenkeel-web--tnumber${at + 1}`,
    ...{ address: `10.1.0.${at + 1}`, port: 80, state, weight: 100, sessions },
    ...{ connectionsMax: null, queued: 0 },
  }));
  return { backend: "web", exists: true, queued: 0, servers };
}

function deskWith() {
  const outbox = new Outbox();
  const desk = new SwitchDesk(outbox);
  const want = (...members: SeenMember[]) => {
    desk.want([web], seeing(...members));
    const [wanted] = outbox.take().filter(({ type }) => type === "switchWanted");
    if (wanted?.type !== "switchWanted") return null;
    return wanted.backends.map(({ servers }) => servers.map(({ state }) => state).join()).join();
  };
  return { desk, outbox, want };
}

describe("SwitchDesk", () => {
  it("wants of each member what its host says, and says so when it changes", () => {
    const { desk, outbox } = deskWith();
    desk.want([web], seeing(host(1, {}), host(2, { state: "staging", atSwitch: "maint" })));
    expect(outbox.take()).toMatchObject([
      {
        backends: [
          {
            backend: "web",
            servers: [
              { member: "web--tnumber1", port: 80, state: "ready", weight: 100 },
              { member: "web--tnumber2", state: "maint" },
            ],
          },
        ],
      },
    ]);
    desk.want([web], seeing(host(1, {}), host(2, { state: "staging", atSwitch: "maint" })));
    expect(outbox.take()).toEqual([]);
    desk.want([web], seeing(host(1, {}), host(2, { state: "absent", atSwitch: "maint" })));
    expect(outbox.take()).toMatchObject([
      { backends: [{ servers: [{ member: "web--tnumber1" }] }] },
    ]);
    desk.want([], seeing());
    expect(outbox.take()).toMatchObject([{ type: "switchWanted", backends: [] }]);
  });

  it("keeps what a suspected or restarting host's member was, and takes out a dead one's", () => {
    const { want } = deskWith();
    expect(want(host(1, {}))).toBe("ready");
    expect(want(host(1, { atSwitch: "maint" }, "suspect"))).toBeNull();
    expect(want(host(1, { state: "resuming", atSwitch: "kept" }))).toBeNull();
    expect(want(host(1, {}, "gone"))).toBe("maint");
    expect(want(host(1, { state: "resuming", atSwitch: "kept" }))).toBeNull();
    expect(deskWith().want(host(1, { state: "resuming", atSwitch: "kept" }))).toBe("ready");
  });

  it("gives an unhealthy member no requests while a healthy one takes them", () => {
    const { want } = deskWith();
    const sick = { healthy: false } as const;
    expect(want(host(1, sick), host(2, {}))).toBe("drain,ready");
    // All fail: all are used. One that is only suspected, or not there yet, is nobody to rely on.
    expect(want(host(1, sick), host(2, sick))).toBe("ready,ready");
    want(host(1, sick), host(2, {}));
    expect(want(host(1, sick), host(2, {}, "suspect"))).toBe("ready,ready");
    want(host(1, sick), host(2, {}));
    const away = { state: "draining", atSwitch: "drain", drainMark: 3 } as const;
    expect(want(host(1, sick), host(2, away))).toBeNull();
    expect(want(host(1, sick), host(2, { ...away, ...sick }))).toBe("ready,drain");
    expect(want(host(1, {}), host(2, {}))).toBe("ready,ready");
  });

  it("lets one that drains go on until another takes its place", () => {
    const { desk, outbox, want } = deskWith();
    const away = { state: "draining", atSwitch: "drain", drainMark: 3 } as const;
    expect(want(host(1, {}), host(2, { state: "resuming", atSwitch: "maint" }))).toBe(
      "ready,maint",
    );
    expect(want(host(1, away), host(2, { state: "resuming", atSwitch: "maint" }))).toBeNull();
    expect(want(host(1, away), host(2, {}))).toBe("drain,ready");
    // Its host counts on the drain from now on, and may suspend it before it hears of a change.
    expect(want(host(1, away), host(2, { healthy: false }))).toBeNull();
    // Its host has waited for long enough, and says so.
    expect(want(host(1, { ...away, atSwitch: "maint" }))).toBe("maint");
    // A service that is deleted, or that may have none, lets the last one go.
    const none = serviceSpecOf("web", { running: { min: 0, max: 1 } });
    desk.want([none], seeing(host(1, away)));
    expect(outbox.take()).toMatchObject([{ backends: [{ servers: [{ state: "drain" }] }] }]);
  });

  it("tells of a drain only what the switch shows since it was asked for", () => {
    const { desk, want } = deskWith();
    want(host(1, {}), host(2, {}));
    desk.observed([view(["ready"], 3)], null);
    const shown = () => desk.news()[0]?.members[0];
    expect(shown()).toMatchObject({ state: "ready", sessions: 3, drainMark: null });
    want(host(1, { state: "draining", atSwitch: "drain", drainMark: 7 }), host(2, {}));
    expect(shown()).toMatchObject({ drainMark: null });
    desk.observed([view(["ready"], 3)], null);
    expect(shown()).toMatchObject({ state: "ready", drainMark: null });
    desk.observed([view(["drain"], 2)], null);
    expect(shown()).toMatchObject({ state: "drain", sessions: 2, drainMark: 7 });
    want(host(1, { state: "draining", atSwitch: "drain", drainMark: 8 }), host(2, {}));
    desk.observed([view(["maint"])], null);
    expect(shown()).toMatchObject({ state: "maint", drainMark: null });
    desk.observed([view(["maint"])], null);
    expect(shown()).toMatchObject({ state: "maint", drainMark: 8 });
  });

  it("tells what its switch fails on, with what it showed before", () => {
    const { desk, want } = deskWith();
    want(host(1, {}));
    desk.observed([view(["ready"], 3)], "haproxy is not there");
    expect(desk.news()).toMatchObject([{ service: "web", problem: "haproxy is not there" }]);
    desk.observed([view(["ready"], 3)], null);
    expect(desk.news()).toMatchObject([{ problem: "", members: [{ sessions: 3 }] }]);
  });

  it("drains the members of a service that is deleted until they are gone", () => {
    const { desk, outbox, want } = deskWith();
    want(host(1, {}));
    const draining = host(1, { state: "draining", atSwitch: "drain", drainMark: 7 });
    desk.want([], seeing(draining));
    expect(outbox.take()).toMatchObject([{ backends: [{ servers: [{ state: "drain" }] }] }]);
    desk.want([], seeing(host(1, { state: "absent" })));
    expect(outbox.take()).toMatchObject([{ type: "switchWanted", backends: [] }]);
  });
});
