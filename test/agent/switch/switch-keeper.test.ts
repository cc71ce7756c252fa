import { describe, expect, it } from "vitest";
import { type KeeperState, SwitchKeeper } from "#agent/switch/switch-keeper.ts";
import type { SwitchCommand, WantedServer } from "#lib/model/switch.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { MemoryLog } from "../../support/memory-log.ts";
import { MemorySwitch } from "../../support/memory-switch.ts";

const OVERDUE_MS = 20_000;

function bench() {
  const table = new MemorySwitch();
  const clock = new ManualClock();
  const log = new MemoryLog();
  const told: KeeperState[] = [];
  table.addBackend("web");
  table.addBackend("shop");
  const keeper = new SwitchKeeper({
    switch: table,
    clock,
    log,
    told: (state) => told.push(state),
    overdueMs: OVERDUE_MS,
  });
  /** Wants these in backend web, and resolves when that was looked at. */
  const want = (...servers: WantedServer[]) => {
    keeper.want([{ backend: "web", servers }]);
    return keeper.look();
  };
  /** Lets time pass and resolves when the look that fell due is over. */
  const pass = async (ms: number) => {
    clock.advance(ms);
    await settled();
  };
  return { table, clock, log, told, keeper, want, pass };
}

/** Everything that waits for nothing but other promises comes to its end. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 200; turn += 1) await Promise.resolve();
}

function server(member: string, changes: Partial<WantedServer> = {}): WantedServer {
  const place = { address: "192.0.2.1", port: 80, weight: 100, connectionsMax: null };
  return { member, ...place, state: "ready", ...changes };
}

function acts(commands: readonly SwitchCommand[]): string[] {
  return commands.map(({ act, server: name }) => `${act} ${name.replace("evenkeel-", "")}`);
}

describe("SwitchKeeper", () => {
  it("want() brings the switch in line at once, and shows it as it is then", async () => {
    const { table, keeper, clock } = bench();
    keeper.want([{ backend: "web", servers: [server("a"), server("b", { state: "maint" })] }]);
    await settled();
    expect(acts(table.performed)).toEqual(["add a", "ready a", "add b"]);
    expect(keeper.state.inLineSinceMs).toBe(clock.wallMs());
    expect(keeper.state.problem).toBeNull();
    const states = keeper.state.views[0]?.servers.map(({ name, state }) => `${name} ${state}`);
    expect(states).toEqual(["evenkeel-a ready", "evenkeel-b maint"]);
  });

  it("want() of the same again asks nothing of the switch", async () => {
    const { table, keeper, want } = bench();
    await want(server("a"), server("b"));
    const { looks } = table;
    keeper.want([{ backend: "web", servers: [server("b"), server("a")] }]);
    await settled();
    expect(table.looks).toBe(looks);
  });

  it("looks once a second, and changes nothing while nothing has changed", async () => {
    const { table, want, pass, keeper } = bench();
    await want(server("a"));
    const since = keeper.state.inLineSinceMs;
    const { looks } = table;
    await pass(999);
    expect(table.looks).toBe(looks);
    for (let second = 0; second < 5; second += 1) await pass(1000);
    expect(table.looks).toBe(looks + 5);
    expect(acts(table.performed)).toEqual(["add a", "ready a"]);
    expect(keeper.state.inLineSinceMs).toBe(since);
  });

  it("puts all servers back after the switch was restarted", async () => {
    const { table, want, pass, log } = bench();
    await want(server("a"), server("b"));
    table.restart();
    await pass(1000);
    expect(acts(table.performed).slice(4)).toEqual(["add a", "ready a", "add b", "ready b"]);
    expect(log.records).toEqual([]);
  });

  it("undoes what somebody else did to its servers, and leaves the admin's alone", async () => {
    const { table, want, pass, keeper } = bench();
    table.addFixedServer("web", "admins-own");
    await want(server("a"));
    const at = { backend: "web", server: "evenkeel-a" };
    await table.perform({ ...at, act: "maint" }, new AbortController().signal);
    await pass(1000);
    const [a, own] = [...(keeper.state.views[0]?.servers ?? [])].reverse();
    expect(a).toMatchObject({ name: "evenkeel-a", state: "ready" });
    expect(own).toMatchObject({ name: "admins-own", state: "ready" });
  });

  it("tells a failure once, tries again ever more rarely, and tells when it is over", async () => {
    const { table, want, pass, log, keeper } = bench();
    table.failure = "SWITCH_ABSENT";
    await want(server("a"));
    expect(keeper.state.problem).toContain("SWITCH_ABSENT");
    expect(keeper.state.inLineSinceMs).toBeNull();
    expect(table.looks).toBe(2);
    const looksOf = async (ms: number) => {
      const before = table.looks;
      for (let passed = 0; passed < ms; passed += 500) await pass(500);
      return table.looks - before;
    };
    expect(await looksOf(10_000)).toBeLessThanOrEqual(5);
    expect(await looksOf(60_000)).toBe(30);
    expect(log.records.map(({ level }) => level)).toEqual(["warn"]);
    table.failure = null;
    expect(await looksOf(5_000)).toBeGreaterThan(0);
    expect(keeper.state.problem).toBeNull();
    expect(keeper.state.inLineSinceMs).not.toBeNull();
    expect(keeper.state.lastProblem?.words).toContain("SWITCH_ABSENT");
    expect(log.records.map(({ level }) => level)).toEqual(["warn", "info"]);
    table.failure = "SWITCH_ABSENT";
    await looksOf(2_000);
    expect(log.records.map(({ level }) => level)).toEqual(["warn", "info", "warn"]);
  });

  it("does not wait for the next try when something else is wanted", async () => {
    const { table, want } = bench();
    table.failure = "SWITCH_SILENT";
    await want(server("a"));
    table.failure = null;
    const state = await want(server("b"));
    expect(state.problem).toBeNull();
    expect(acts(table.performed)).toEqual(["add b", "ready b"]);
  });

  it("a server that is refused keeps no other one waiting", async () => {
    const { table, want } = bench();
    const state = await want(server("a", { address: "web.example" }), server("b"));
    expect(acts(table.attempted)).toEqual(["add a", "add b", "ready b", "add a"]);
    expect(state.problem).toContain("web.example");
    expect(state.inLineSinceMs).toBeNull();
  });

  it("tries no other server in this look once the switch itself fails", async () => {
    const { table, want, pass, keeper } = bench();
    table.refuse = () => "SWITCH_SILENT";
    await want(server("a"), server("b"));
    expect(acts(table.attempted)).toEqual(["add a", "add a"]);
    expect(keeper.state.problem).toContain("SWITCH_SILENT");
    table.refuse = () => null;
    for (let second = 0; second < 4; second += 1) await pass(1000);
    expect(keeper.state.inLineSinceMs).not.toBeNull();
  });

  it.each(["SERVER_BUSY", "SERVER_ABSENT", "SERVER_EXISTS"] as const)(
    "tries again after %s without a word, and is not in line till then",
    async (code) => {
      const { table, want, pass, keeper, log } = bench();
      table.refuse = () => code;
      await want(server("a"));
      expect(keeper.state).toMatchObject({ problem: null, inLineSinceMs: null });
      table.refuse = () => null;
      await pass(1000);
      expect(keeper.state.inLineSinceMs).not.toBeNull();
      expect(log.records).toEqual([]);
    },
  );

  it("is not in line from the moment that something else is wanted", async () => {
    const { keeper, want } = bench();
    await want(server("a"));
    keeper.want([{ backend: "web", servers: [server("a"), server("b")] }]);
    expect(keeper.state.inLineSinceMs).toBeNull();
    await settled();
    expect(keeper.state.inLineSinceMs).not.toBeNull();
  });

  it("look() begins one look after the call, however many ask for it", async () => {
    const { table, keeper, want } = bench();
    await want(server("a"));
    const { looks } = table;
    const first = keeper.look();
    const asked = [keeper.look(), keeper.look(), keeper.look()];
    await Promise.all([first, ...asked]);
    expect(table.looks).toBe(looks + 2);
  });

  it("a backend that is missing or misnamed keeps no other one waiting", async () => {
    const { table, keeper, log } = bench();
    const servers = [server("a")];
    keeper.want([
      { backend: "nowhere", servers },
      { backend: "bad name", servers },
      { backend: "web", servers },
    ]);
    const state = await keeper.look();
    expect(acts(table.performed)).toEqual(["add a", "ready a"]);
    expect(state.problem).toContain("nowhere");
    expect(log.messages.filter((words) => words.includes("bad name"))).toHaveLength(1);
    expect(state.inLineSinceMs).toBeNull();
  });

  it("clears a backend that is no longer named, then leaves it alone", async () => {
    const { table, keeper, want, pass } = bench();
    await want(server("a"));
    keeper.want([{ backend: "shop", servers: [server("a")] }]);
    const state = await keeper.look();
    expect(acts(table.performed).slice(2)).toEqual([
      "add a",
      "ready a",
      "drain a",
      "maint a",
      "remove a",
    ]);
    expect(state.inLineSinceMs).not.toBeNull();
    await pass(1000);
    expect(keeper.state.views.map(({ backend }) => backend)).toEqual(["shop"]);
  });

  it("keeps an eye on a backend that is wanted empty", async () => {
    const { table, keeper, want, pass } = bench();
    await want(server("a"));
    await want();
    await want();
    const { looks } = table;
    await pass(1000);
    expect(table.looks).toBe(looks + 1);
    expect(keeper.state.views).toHaveLength(1);
    const at = { backend: "web", server: "evenkeel-stray", address: "192.0.2.9", port: 80 };
    await table.perform(
      { ...at, act: "add", weight: 1, connectionsMax: null },
      new AbortController().signal,
    );
    await pass(1000);
    expect(acts(table.performed).at(-1)).toBe("remove stray");
  });

  it("looks for leftovers again when the switch failed, and only when something changed", async () => {
    const { table, keeper, pass } = bench();
    table.addBackend("old");
    const at = { backend: "old", server: "evenkeel-old--aaaa1111", address: "192.0.2.9", port: 80 };
    const add = { ...at, act: "add", weight: 1, connectionsMax: null } as const;
    await table.perform(add, new AbortController().signal);
    table.failure = "SWITCH_ABSENT";
    keeper.want([], { left: [], cleared: ["old"] });
    await settled();
    expect(keeper.state.problem).not.toBeNull();
    table.failure = null;
    await pass(1000);
    expect(acts(table.performed).at(-1)).toBe("remove old--aaaa1111");
    await pass(2000);
    const { looks } = table;
    keeper.want([], { left: [], cleared: ["old"] });
    await pass(5000);
    expect(table.looks).toBe(looks);
  });

  it("puts services that share a backend together", async () => {
    const { table, keeper } = bench();
    keeper.want([
      { backend: "web", servers: [server("a")] },
      { backend: "web", servers: [server("b")] },
    ]);
    await keeper.look();
    await keeper.look();
    expect(acts(table.performed)).toEqual(["add a", "ready a", "add b", "ready b"]);
  });

  it("takes two ways to write an address as one", async () => {
    const { table, want, pass } = bench();
    await want(server("a", { address: "2001:DB8:0:0::1" }));
    await pass(1000);
    expect(table.performed[0]).toMatchObject({ address: "2001:db8::1" });
    expect(acts(table.performed)).toEqual(["add a", "ready a"]);
  });

  it("lets an unwanted server finish its sessions, and takes it away after them", async () => {
    const { table, want, pass } = bench();
    await want(server("a"));
    const session = table.open("web");
    await want();
    await pass(1000);
    expect(acts(table.performed).slice(2)).toEqual(["drain a"]);
    session?.finish();
    await pass(1000);
    expect(acts(table.performed).slice(3)).toEqual(["maint a", "remove a"]);
  });

  it("ends the drain of an unwanted server whose sessions never end", async () => {
    const { table, want, pass, keeper } = bench();
    await want(server("a"));
    const session = table.open("web");
    await want();
    for (let passed = 0; passed <= OVERDUE_MS; passed += 1000) await pass(1000);
    expect(acts(table.performed).slice(2)).toEqual(["drain a", "maint a"]);
    expect(keeper.state.problem).toBeNull();
    session?.finish();
    await pass(1000);
    expect(acts(table.performed).at(-1)).toBe("remove a");
  });

  it("drops what it was about to do when something else is wanted", async () => {
    const { table, keeper } = bench();
    const servers = Array.from({ length: 50 }, (_, index) => server(`m${index}`));
    const perform = table.perform.bind(table);
    table.perform = (command, signal) => {
      const isFifth = table.performed.length === 4;
      if (isFifth) keeper.want([{ backend: "web", servers: [server("urgent")] }]);
      return perform(command, signal);
    };
    keeper.want([{ backend: "web", servers }]);
    await keeper.look();
    await keeper.look();
    expect(acts(table.performed).indexOf("ready urgent")).toBe(6);
    expect(keeper.state.views[0]?.servers.map(({ name }) => name)).toEqual(["evenkeel-urgent"]);
  });

  it("tells after every look", async () => {
    const { told, want, pass } = bench();
    await want(server("a"));
    const { length } = told;
    await pass(1000);
    expect(told.length).toBe(length + 1);
    expect(told.at(-1)?.views[0]?.servers).toHaveLength(1);
  });

  it("stop() leaves the switch as it is and looks no more", async () => {
    const { table, clock, want, keeper } = bench();
    await want(server("a"));
    const { looks, performed } = table;
    await keeper.stop();
    expect(clock.waiting).toBe(0);
    keeper.want([]);
    await keeper.look();
    clock.advance(60_000);
    await settled();
    expect(table.looks).toBe(looks);
    expect(acts(performed)).toEqual(["add a", "ready a"]);
  });

  it("asks nothing while nothing is wanted", async () => {
    const { table, clock, keeper } = bench();
    keeper.want([]);
    await settled();
    expect(table.looks).toBe(0);
    expect(clock.waiting).toBe(0);
  });
});
