import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SystemClock } from "#agent/os/system-clock.ts";
import { HaproxySwitch } from "#agent/switch/haproxy-switch.ts";
import { SwitchKeeper } from "#agent/switch/switch-keeper.ts";
import type { SwitchCommand, WantedServer } from "#lib/model/switch.ts";
import { eventually } from "../support/eventually.ts";
import { HaproxyRig } from "../support/haproxy-rig.ts";
import { MemoryLog } from "../support/memory-log.ts";
import { switchContract } from "../support/switch-contract.ts";

switchContract("HaproxySwitch with a real HAProxy", () => HaproxyRig.make());

const clock = new SystemClock();
const { signal } = new AbortController();

describe("HaproxySwitch", () => {
  let rig: HaproxyRig;
  beforeEach(async () => {
    rig = await HaproxyRig.make();
  });
  afterEach(() => rig.close());

  function at(level: "admin" | "operator" | "user", answerTimeoutMs?: number): HaproxySwitch {
    const socketPath = rig.socketPath(level);
    return new HaproxySwitch({
      socketPath,
      clock,
      ...(answerTimeoutMs !== undefined && { answerTimeoutMs }),
    });
  }

  it.each(["operator", "user"] as const)("says that level %s is too low", async (level) => {
    const command: SwitchCommand = {
      backend: "web",
      server: "evenkeel-a",
      act: "add",
      address: "192.0.2.1",
      port: 80,
      weight: 1,
      connectionsMax: null,
    };
    const added = at(level).perform(command, signal);
    await expect(added).rejects.toMatchObject({
      code: "SWITCH_REFUSED",
      message: expect.stringContaining("level admin"),
    });
  });

  it("does not wait for a HAProxy that is stuck, and is well once it goes on", async () => {
    const adapter = at("admin", 200);
    rig.freeze(true);
    try {
      await expect(adapter.observe(["web"], signal)).rejects.toMatchObject({
        code: "SWITCH_SILENT",
      });
    } finally {
      rig.freeze(false);
    }
    await eventually("it answers again", async () => {
      return (await at("admin").observe(["web"], signal)).length === 1;
    });
  });
});

describe("SwitchKeeper with a real HAProxy", () => {
  let rig: HaproxyRig;
  let log: MemoryLog;
  const keepers: SwitchKeeper[] = [];
  const performed: SwitchCommand[] = [];

  beforeEach(async () => {
    rig = await HaproxyRig.make();
    log = new MemoryLog();
    performed.splice(0);
  });
  afterEach(async () => {
    for (const keeper of keepers.splice(0)) await keeper.stop();
    await rig.close();
  });

  function makeKeeper(): SwitchKeeper {
    const real = rig.switch;
    const counting = {
      place: real.place,
      observe: real.observe.bind(real),
      ownBackends: real.ownBackends.bind(real),
      perform: (command: SwitchCommand, until: AbortSignal) => {
        performed.push(command);
        return real.perform(command, until);
      },
    };
    const keeper = new SwitchKeeper({ switch: counting, clock, log });
    keepers.push(keeper);
    return keeper;
  }

  async function server(
    member: string,
    state: WantedServer["state"] = "ready",
    weight = 100,
  ): Promise<WantedServer> {
    return { member, ...(await rig.endpoint(member)), state, weight, connectionsMax: null };
  }

  async function inLine(
    keeper: SwitchKeeper,
    servers: WantedServer[],
    backend = "web",
  ): Promise<void> {
    keeper.want([{ backend, servers }]);
    await eventually("the switch is in line", async () => {
      const { inLineSinceMs, problem } = await keeper.look();
      return inLineSinceMs !== null && problem === null;
    });
  }

  it("brings a HAProxy back in line that was killed and started again", async () => {
    const keeper = makeKeeper();
    await inLine(keeper, [await server("a"), await server("b"), await server("c", "maint")]);
    expect((await rig.get()).status).toBe(200);
    await rig.halt();
    await eventually("the keeper notices", async () => keeper.state.problem !== null);
    expect(keeper.state.problem).toContain(rig.socketPath());
    expect(keeper.state.inLineSinceMs).toBeNull();
    await rig.begin();
    await eventually("requests flow again", async () => (await rig.get()).status === 200);
    await eventually("all is in line", async () => keeper.state.inLineSinceMs !== null);
    const states = keeper.state.views[0]?.servers.map(({ name, state }) => `${name} ${state}`);
    expect(states).toEqual(["evenkeel-a ready", "evenkeel-b ready", "evenkeel-c maint"]);
    expect(log.records.map(({ level }) => level)).toEqual(["warn", "info"]);
  });

  it("changes nothing when an agent begins anew that wants the same", async () => {
    const servers = [await server("a"), await server("b", "drain"), await server("c", "maint", 7)];
    const before = makeKeeper();
    await inLine(before, servers);
    await before.stop();
    performed.splice(0);
    const keeper = makeKeeper();
    await inLine(keeper, servers);
    await keeper.look();
    expect(performed).toEqual([]);
  });

  it("finds an IPv6 address in line however it is written", async () => {
    const keeper = makeKeeper();
    const wanted = { ...(await server("a", "maint")), address: "2001:DB8:0::0:1" };
    await inLine(keeper, [wanted, { ...wanted, member: "b", address: "::ffff:192.0.2.1" }]);
    await keeper.look();
    expect(performed.map(({ act }) => act)).toEqual(["add", "add"]);
  });

  it("leaves the admin's own servers as they are", async () => {
    const keeper = makeKeeper();
    const wanted = { backend: "mixed", servers: [await server("a")] };
    keeper.want([wanted]);
    await keeper.look();
    keeper.want([{ ...wanted, servers: [] }]);
    await eventually("ours is gone", async () => {
      const { views } = await keeper.look();
      return views[0]?.servers.length === 1;
    });
    expect(keeper.state.views[0]?.servers[0]).toMatchObject({ name: "admins-own", state: "ready" });
  });

  it("a member that is lost costs no request, even before anybody has noticed", async () => {
    const keeper = makeKeeper();
    const servers = [await server("a"), await server("b")];
    await inLine(keeper, servers);
    rig.loseEndpoint("b");
    for (let request = 0; request < 20; request += 1) {
      expect(await rig.get()).toEqual({ status: 200, server: "a" });
    }
    performed.splice(0);
    await inLine(keeper, servers.slice(0, 1));
    expect(performed.map(({ act }) => act)).toEqual(["drain", "maint", "remove"]);
  });

  it("sees no session in a client that merely keeps its connection open", async () => {
    const keeper = makeKeeper();
    await inLine(keeper, [await server("a")]);
    expect(await rig.get()).toEqual({ status: 200, server: "a" });
    await inLine(keeper, [await server("a", "drain")]);
    await eventually("a has no sessions", async () => {
      return (await keeper.look()).views[0]?.servers[0]?.sessions === 0;
    });
    await inLine(keeper, [await server("b")]);
    expect(await rig.get()).toEqual({ status: 200, server: "b" });
  });

  it("clears what a service left that was deleted while nobody was here, and nothing else", async () => {
    const before = makeKeeper();
    const mixed = [await server("old--aaaa1111"), await server("odd--aaaa1111", "maint")];
    before.want([
      { backend: "web", servers: [await server("web--aaaa1111"), await server("web--bbbb2222")] },
      { backend: "mixed", servers: mixed },
      { backend: "hashed", servers: [await server("new--aaaa1111", "maint")] },
    ]);
    await eventually("all are there", async () => (await before.look()).inLineSinceMs !== null);
    const held = await rig.send();
    await before.stop();
    performed.splice(0);
    // "web" and "old" are deleted now, "odd" cannot be read, "new" is not known here yet.
    const keeper = makeKeeper();
    const leftovers = { left: ["odd"], cleared: ["old", "web"] };
    keeper.want([], leftovers);
    await keeper.look();
    const names = async () => {
      const views = await rig.switch.observe(["web", "mixed", "hashed"], signal);
      return views.map(({ servers }) => servers.map(({ name }) => name));
    };
    const busy = `evenkeel-${held?.server}`;
    // What still answers drains first.
    expect((await names())[0]).toEqual([busy]);
    const spared = ["admins-own", "evenkeel-odd--aaaa1111"];
    expect((await names()).slice(1)).toEqual([spared, ["evenkeel-new--aaaa1111"]]);
    await held?.finish();
    await eventually("it is gone", async () => {
      await keeper.look();
      return (await names())[0]?.length === 0;
    });
    keeper.want([], { ...leftovers, cleared: null });
    await keeper.look();
    expect(await names()).toEqual([[], spared, []]);
    expect(performed.some(({ server: name }) => spared.includes(name))).toBe(false);
    expect(log.records).toEqual([]);
  });

  it("leaves servers of a document that cannot be read, in a backend that another service has", async () => {
    const before = makeKeeper();
    const odd = await server("odd--aaaa1111");
    await inLine(before, [odd]);
    await before.stop();
    performed.splice(0);
    const keeper = makeKeeper();
    const web = await server("web--aaaa1111");
    keeper.want([{ backend: "web", servers: [web] }], { left: ["odd"], cleared: null });
    await eventually("web is there", async () => (await keeper.look()).inLineSinceMs !== null);
    expect(performed.map(({ act, server: name }) => `${act} ${name}`)).toEqual([
      "add evenkeel-web--aaaa1111",
      "ready evenkeel-web--aaaa1111",
    ]);
    const [view] = await rig.switch.observe(["web"], signal);
    expect(view?.servers.find(({ name }) => name === "evenkeel-odd--aaaa1111")?.state).toBe(
      "ready",
    );
  });

  it.each(["drain", "maint"] as const)(
    "loses no request that waits at a server when that is set to %s",
    async (state) => {
      const keeper = makeKeeper();
      const limited = async (member: string) => ({ ...(await server(member)), connectionsMax: 1 });
      const [a, b] = [await limited("a"), await limited("b")];
      await inLine(keeper, [a, b], "hashed");
      // HAProxy's threads may let two in at once where one is the limit: the first comes alone.
      const first = await rig.send("hashed");
      const waiting = Array.from({ length: 5 }, () => rig.send("hashed"));
      const other = first?.server === "a" ? "b" : "a";
      await eventually("five wait for the server of the first", async () => {
        const { views } = await keeper.look();
        const own = views[0]?.servers.find(({ name }) => name === `evenkeel-${first?.server}`);
        return views[0]?.queued === 5 && own?.queued === 5;
      });
      await inLine(
        keeper,
        [a, b].map((one) => (one.member === other ? one : { ...one, state })),
        "hashed",
      );
      const taken: string[] = [];
      const answered = waiting.map(async (arriving) => {
        const request = await arriving;
        taken.push(request?.server ?? "lost");
        await request?.finish();
      });
      await first?.finish();
      await Promise.all(answered);
      expect(taken).toEqual(Array.from({ length: 5 }, () => other));
    },
  );

  it("loses no request of a crowd that waits while members are limited, come and drain", async () => {
    const keeper = makeKeeper();
    const limited = async (member: string, state: WantedServer["state"] = "ready") => {
      return { ...(await server(member, state)), connectionsMax: 2 };
    };
    const queued = (count: number) =>
      eventually(`${count} wait`, async () => (await keeper.look()).views[0]?.queued === count);
    await inLine(keeper, [await limited("a"), await limited("b")]);
    const answered: string[] = [];
    const arrive = async () => {
      const request = await rig.send();
      answered.push(request?.server ?? "lost");
      return request;
    };
    // HAProxy's threads let more in at once than the limit says: these come one by one.
    const served = [await arrive(), await arrive(), await arrive(), await arrive()];
    const crowd = Array.from({ length: 16 }, arrive);
    await queued(16);
    await inLine(keeper, [await limited("a"), await limited("b"), await limited("c")]);
    // Whoever is new has all the work that it may have before anybody else has ended any.
    await queued(14);
    await eventually("c has two", async () => answered.filter((name) => name === "c").length === 2);
    await inLine(keeper, [await limited("a", "drain"), await limited("b"), await limited("c")]);
    await queued(14);
    const finished = crowd.map((arriving) => arriving.then((request) => request?.finish()));
    await Promise.all([...served.map((request) => request?.finish()), ...finished]);
    expect(answered).toHaveLength(20);
    expect(answered.filter((name) => name === "a")).toHaveLength(2);
    expect(answered).not.toContain("lost");
    expect(log.records).toEqual([]);
  });

  it("loses no request while members come, drain, sleep, change weight and go", async () => {
    const keeper = makeKeeper();
    const rounds = 10;
    await inLine(keeper, [await server("a")]);
    const answers: { status: number; server: string }[] = [];
    let isOver = false;
    const clients = Array.from({ length: 4 }, async () => {
      while (!isOver) answers.push(await rig.get());
    });
    try {
      for (let round = 0; round < rounds; round += 1) {
        await inLine(keeper, [await server("a"), await server("b"), await server("c", "maint")]);
        const seen = answers.length;
        await eventually("b has answered", async () =>
          answers.slice(seen).some((answer) => answer.server === "b"),
        );
        await inLine(keeper, [await server("a", "drain"), await server("b", "ready", 20)]);
        await inLine(keeper, [await server("a", "maint"), await server("b")]);
        await inLine(keeper, [await server("a", "ready", 50), await server("b", "drain")]);
        await inLine(keeper, [await server("a")]);
      }
    } finally {
      isOver = true;
      await Promise.all(clients);
    }
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(answers.length).toBeGreaterThan(rounds);
    expect(log.records).toEqual([]);
  });
});
