import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type {
  BackendView,
  ServerState,
  SwitchCommand,
  SwitchServer,
  WantedServer,
} from "#lib/model/switch.ts";
import { isOwnServer, isSpared, planSwitch, serverName } from "#lib/services/switch-plan.ts";

const STATES: readonly ServerState[] = ["ready", "drain", "maint"];

function wantedServer(changes: Partial<WantedServer> = {}): WantedServer {
  return {
    member: "a",
    address: "192.0.2.1",
    port: 80,
    state: "ready",
    weight: 100,
    connectionsMax: null,
    ...changes,
  };
}

function seenServer(changes: Partial<SwitchServer> = {}): SwitchServer {
  const { member, ...server } = wantedServer();
  return { name: serverName(member), sessions: 0, queued: 0, ...server, ...changes };
}

function view(servers: readonly SwitchServer[]): BackendView {
  return { backend: "web", exists: true, queued: 0, servers };
}

function acts(wanted: readonly WantedServer[], seen: readonly SwitchServer[], overdue?: string[]) {
  const commands = planSwitch({ backend: "web", servers: wanted }, view(seen), new Set(overdue));
  return commands.map(({ act, server }) => `${act} ${server.replace("evenkeel-", "")}`);
}

/** What a switch shows after a command; no request comes or ends meanwhile. */
function applied(servers: readonly SwitchServer[], command: SwitchCommand): SwitchServer[] {
  const name = command.server;
  const others = servers.filter((server) => server.name !== name);
  const server = servers.find((other) => other.name === name);
  if (command.act === "add") {
    expect(server).toBeUndefined();
    const { address, port, weight, connectionsMax } = command;
    const place = { name, address, port, weight, connectionsMax };
    return [...others, { ...place, state: "maint", sessions: 0, queued: 0 }];
  }
  if (server === undefined) throw new Error(`${command.act} of ${name}, which is not there`);
  switch (command.act) {
    case "address":
      expect(server.state).toBe("maint");
      return [...others, { ...server, address: command.address, port: command.port }];
    case "weight":
      return [...others, { ...server, weight: command.weight }];
    case "connections":
      return [...others, { ...server, connectionsMax: command.connectionsMax }];
    case "remove":
      expect(server).toMatchObject({ state: "maint", sessions: 0, queued: 0 });
      return others;
    default:
      return [...others, { ...server, state: command.act }];
  }
}

const members = fc.constantFrom("a", "b", "c", "d", "e");
const place = {
  address: fc.constantFrom("192.0.2.1", "192.0.2.2", "2001:db8::1"),
  port: fc.constantFrom(80, 81),
  state: fc.constantFrom(...STATES),
  weight: fc.constantFrom(1, 100, 256),
  connectionsMax: fc.constantFrom(null, 1, 100_000),
};
const wantedServers = fc.uniqueArray(fc.record({ member: members, ...place }), {
  selector: ({ member }) => member,
});
const seenServers = fc.uniqueArray(
  fc.record({
    name: fc.oneof(members.map(serverName), members),
    sessions: fc.constantFrom(0, 0, 3),
    queued: fc.constantFrom(0, 0, 2),
    ...place,
  }),
  { selector: ({ name }) => name },
);

const isLeftBusy = ({ sessions, queued, state }: SwitchServer) =>
  sessions + queued > 0 && state !== "ready";

describe("isSpared()", () => {
  const some = { left: ["odd"], cleared: ["old"] };
  it.each([
    ["evenkeel-odd--aaaa1111", true, true],
    ["evenkeel-odd--aaaa1111", false, true],
    ["evenkeel-old--aaaa1111", false, false],
    ["evenkeel-new--aaaa1111", false, true],
    ["evenkeel-new--aaaa1111", true, false],
    ["evenkeel-stray", false, true],
    ["evenkeel-stray", true, false],
  ])("%s in a backend that is named (%s): %s", (name, isNamed, expected) => {
    expect(isSpared(name, isNamed, some)).toBe(expected);
  });

  it("spares only what is left when all may go", () => {
    const all = { left: ["odd"], cleared: null };
    const names = ["evenkeel-odd--aaaa1111", "evenkeel-new--aaaa1111", "evenkeel-stray"];
    expect(names.map((name) => isSpared(name, false, all))).toEqual([true, false, false]);
  });
});

describe("planSwitch()", () => {
  const busy = seenServer({ sessions: 2 });
  const cases: readonly {
    name: string;
    wanted: readonly WantedServer[];
    seen: readonly SwitchServer[];
    overdue?: string[];
    expect: string[];
  }[] = [
    {
      name: "changes nothing that is in line",
      wanted: [wantedServer()],
      seen: [seenServer()],
      expect: [],
    },
    {
      name: "adds, then readies",
      wanted: [wantedServer()],
      seen: [],
      expect: ["add a", "ready a"],
    },
    {
      name: "adds what is not to serve without readying it",
      wanted: [wantedServer({ state: "maint" })],
      seen: [],
      expect: ["add a"],
    },
    {
      name: "sets the state that is wanted",
      wanted: [wantedServer({ state: "drain" })],
      seen: [busy],
      expect: ["drain a"],
    },
    {
      name: "puts a draining server into maint with its sessions when that is wanted",
      wanted: [wantedServer({ state: "maint" })],
      seen: [{ ...busy, state: "drain" }],
      expect: ["maint a"],
    },
    {
      name: "changes an address in maint only",
      wanted: [wantedServer({ address: "192.0.2.9" })],
      seen: [seenServer()],
      expect: ["maint a", "address a", "ready a"],
    },
    {
      name: "gives an address to a server that has none",
      wanted: [wantedServer({ state: "maint" })],
      seen: [seenServer({ address: null, state: "maint" })],
      expect: ["address a"],
    },
    {
      name: "changes a weight as it is",
      wanted: [wantedServer({ weight: 7 })],
      seen: [seenServer()],
      expect: ["weight a"],
    },
    {
      name: "changes the limit of connections, or takes it away",
      wanted: [wantedServer({ connectionsMax: 7 }), wantedServer({ member: "b" })],
      seen: [
        seenServer({ connectionsMax: 8 }),
        seenServer({ name: "evenkeel-b", connectionsMax: 8 }),
      ],
      expect: ["connections a", "connections b"],
    },
    {
      name: "waits for those that wait for a server",
      wanted: [],
      seen: [seenServer({ queued: 1, state: "drain" })],
      expect: [],
    },
    {
      name: "adds before it takes away",
      wanted: [wantedServer({ member: "b" })],
      seen: [seenServer()],
      expect: ["add b", "ready b", "drain a", "maint a", "remove a"],
    },
    { name: "lets an unwanted server drain", wanted: [], seen: [busy], expect: ["drain a"] },
    {
      name: "waits while an unwanted server drains",
      wanted: [],
      seen: [{ ...busy, state: "drain" }],
      expect: [],
    },
    {
      name: "ends the service of one that is overdue, and removes it only without sessions",
      wanted: [],
      seen: [{ ...busy, state: "drain" }],
      overdue: [busy.name],
      expect: ["maint a"],
    },
    {
      name: "leaves the admin's own servers alone",
      wanted: [],
      seen: [seenServer({ name: "a" }), seenServer({ name: "even-keel" })],
      expect: [],
    },
  ];
  it.each(cases)("$name", ({ wanted, seen, overdue, expect: expected }) => {
    expect(acts(wanted, seen, overdue)).toEqual(expected);
  });

  it("plans nothing for a backend that does not exist", () => {
    const missing = { backend: "web", exists: false, queued: 0, servers: [] };
    expect(planSwitch({ backend: "web", servers: [wantedServer()] }, missing)).toEqual([]);
  });

  it("adds all again after the switch was restarted", () => {
    const wanted = ["a", "b"].map((member) => wantedServer({ member }));
    expect(acts(wanted, [])).toEqual(["add a", "ready a", "add b", "ready b"]);
  });

  it("reaches what is wanted, whatever is there, and then has nothing more to do", () => {
    fc.assert(
      fc.property(wantedServers, seenServers, (wanted, seen) => {
        const wish = { backend: "web", servers: wanted };
        let servers: readonly SwitchServer[] = seen;
        for (const command of planSwitch(wish, view(seen))) servers = applied(servers, command);
        expect(planSwitch(wish, view(servers))).toEqual([]);
        for (const { member, ...place } of wanted) {
          const server = servers.find(({ name }) => name === serverName(member));
          expect(server).toMatchObject(place);
        }
        const foreign = (all: readonly SwitchServer[]) =>
          all.filter(({ name }) => !isOwnServer(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
        expect(foreign(servers)).toEqual(foreign(seen));
        const names = new Set(wanted.map(({ member }) => serverName(member)));
        const left = servers.filter(({ name }) => isOwnServer(name) && !names.has(name));
        expect(left.every(isLeftBusy)).toBe(true);
      }),
    );
  });

  it("never takes a server away before those that replace it are there", () => {
    fc.assert(
      fc.property(wantedServers, seenServers, (wanted, seen) => {
        const readyCount = (servers: readonly SwitchServer[]) =>
          servers.filter(({ state }) => state === "ready").length;
        let servers: readonly SwitchServer[] = seen;
        const counts = [readyCount(servers)];
        const commands = planSwitch({ backend: "web", servers: wanted }, view(seen));
        for (const command of commands) {
          servers = applied(servers, command);
          counts.push(readyCount(servers));
        }
        const readdressed = commands.some(({ act }) => act === "address") ? 1 : 0;
        const ends = Math.min(counts[0] ?? 0, counts.at(-1) ?? 0);
        expect(Math.min(...counts)).toBeGreaterThanOrEqual(ends - readdressed);
      }),
    );
  });

  it("does the same whatever the order of its input", () => {
    fc.assert(
      fc.property(wantedServers, seenServers, (wanted, seen) => {
        const sorted = [...wanted].sort((a, b) => (a.member < b.member ? -1 : 1));
        expect(acts(wanted, seen)).toEqual(acts(sorted, seen));
      }),
    );
  });
});
