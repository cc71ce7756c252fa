import { describe, expect, it } from "vitest";
import type { Snapshot } from "#lib/core/snapshot.ts";
import { apiFixture } from "../../support/api-fixture.ts";
import { runCli } from "../../support/run-cli.ts";
import {
  HOST_B,
  MOVE_ID,
  memberFixture,
  outcomeFixture,
  snapshotFixture,
  vmFixture,
} from "../../support/snapshot-fixture.ts";

/** Shows the next snapshot at every wait, the last one for ever. */
async function scene(snapshots: readonly Snapshot[]) {
  const fixture = await apiFixture();
  const { view } = fixture;
  view.answer = () => ({ status: 202, message: "taken on", data: null, moveId: MOVE_ID });
  const rest = [...snapshots];
  const next = () => {
    view.current = rest.shift() ?? view.current;
  };
  next();
  let nowMs = 0;
  return {
    ...fixture,
    world: {
      nowMs: () => nowMs,
      wait: async (delayMs: number) => {
        nowMs += delayMs;
        next();
      },
    },
  };
}

const underWay = snapshotFixture();
const afar = snapshotFixture({ moves: [] });
const forgotten = snapshotFixture({ moves: [], vms: [] });
const ended = (changes = {}) =>
  snapshotFixture({
    moves: [],
    vms: [],
    history: [outcomeFixture("web-3", 3, { moveId: MOVE_ID, ...changes })],
  });

describe("evenkeel migrate", () => {
  it("waits with its progress and tells how long it took", async () => {
    const { socketPath, view, world } = await scene([underWay, underWay, afar, ended()]);
    const { code, out } = await runCli(
      ["--socket", socketPath, "migrate", "web-3", "host-b"],
      world,
    );
    expect(code).toBe(0);
    expect(out.split("\n")).toEqual([
      "web-3: host-a -> host-b  transferring  ███████████████░░░░░░░░░ 63 %, 48 MiB left",
      "web-3: under way, seen from afar",
      "web-3 moved from host-a to host-b in 2.3 s, down for 41 ms",
    ]);
    expect(view.asked).toEqual([{ verb: "migrate", vm: "web-3", target: HOST_B }]);
  });

  it("looks often while its own agent takes part, and seldom from afar", async () => {
    const { socketPath, world } = await scene([underWay, underWay, afar, ended()]);
    await runCli(["--socket", socketPath, "migrate", "web-3", "host-b"], world);
    expect(world.nowMs()).toBe(100 + 100 + 1000);
  });

  it("rewrites one line on a terminal", async () => {
    const { socketPath, world } = await scene([underWay, underWay, ended()]);
    const { out, rewritten } = await runCli(
      ["--socket", socketPath, "migrate", "web-3", "host-b"],
      { ...world, live: true },
    );
    expect(rewritten).toHaveLength(3);
    expect(rewritten.at(-1)).toBe("");
    expect(out.split("\n")).toHaveLength(1);
  });

  it("fails with the reason when the move does", async () => {
    const failed = ended({ result: "aborted", detail: "no headway for 30 s" });
    const { socketPath, world } = await scene([underWay, failed]);
    const { code, err } = await runCli(
      ["--socket", socketPath, "migrate", "web-3", "host-b"],
      world,
    );
    expect(code).toBe(1);
    expect(err).toBe("evenkeel: the move of web-3 to host-b aborted: no headway for 30 s");
  });

  it("prints one JSON object at the end and nothing before", async () => {
    const { socketPath, world } = await scene([underWay, ended()]);
    const words = ["--socket", socketPath, "--json", "migrate", "web-3", "host-b"];
    const { out } = await runCli(words, { ...world, live: true });
    expect(JSON.parse(out)).toMatchObject({ ok: true, outcome: { downtimeMs: 41 } });
  });

  it("leaves the move alone on ^C, and says so", async () => {
    const { socketPath, view, world } = await scene([underWay]);
    let interrupted: () => void = () => undefined;
    const { code, err } = await runCli(["--socket", socketPath, "migrate", "web-3", "host-b"], {
      ...world,
      onInterrupt: (callback) => {
        interrupted = callback;
        return () => undefined;
      },
      wait: async () => interrupted(),
    });
    expect(code).toBe(1);
    expect(err).toMatch(/the move of web-3 goes on.*evenkeel cancel web-3/);
    expect(view.asked).toHaveLength(1);
  });

  it("gives up on a move that nobody knows any more, after a bounded wait", async () => {
    const { socketPath, world } = await scene([underWay, forgotten]);
    const { code, err } = await runCli(
      ["--socket", socketPath, "migrate", "web-3", "host-b"],
      world,
    );
    expect(code).toBe(1);
    expect(err).toContain(`knows no end of the move ${MOVE_ID}`);
    expect(world.nowMs()).toBeLessThan(60_000);
  });

  it("waits for an agent that restarts, for a bounded time", async () => {
    const { socketPath, api, world } = await scene([underWay]);
    let stopped = false;
    const { code, err } = await runCli(["--socket", socketPath, "migrate", "web-3", "host-b"], {
      ...world,
      wait: async (delayMs) => {
        await world.wait(delayMs);
        if (!stopped) await api.stop();
        stopped = true;
      },
    });
    expect(code).toBe(3);
    expect(err).toContain("cannot reach the agent");
    expect(world.nowMs()).toBeGreaterThanOrEqual(20_000);
  });
});

describe("evenkeel drain", () => {
  const host = (draining: boolean, state: "alive" | "dead" = "alive") => [
    memberFixture(HOST_B, "host-b", { state }, { draining }),
  ];
  const vm = (name: string, changes = {}) => vmFixture(name, HOST_B, "host-b", changes);
  const shown = (draining: boolean, vms: Snapshot["vms"]) =>
    snapshotFixture({ members: host(draining), vms, moves: [] });
  const drain = (socketPath: string, world: object, ...more: string[]) =>
    runCli(["--socket", socketPath, "drain", "host-b", ...more], world);

  it("waits until nothing runs there, whatever sleeps there", async () => {
    const asleep = [vm("a", { state: "suspended" }), vm("b", { state: "stopped" })];
    const { socketPath, world } = await scene([
      shown(false, [vm("web-1"), vm("web-2")]),
      shown(true, [vm("web-1"), vm("web-2")]),
      shown(true, [vm("web-2")]),
      shown(true, asleep),
    ]);
    const { code, out } = await drain(socketPath, world);
    expect(code).toBe(0);
    expect(out.split("\n")).toEqual([
      "draining host-b: 2 VMs left",
      "draining host-b: 1 VM left",
      "host-b is drained: no VM runs there",
    ]);
  });

  it("does not call a host drained before it drains", async () => {
    const { socketPath, world } = await scene([shown(false, [])]);
    const { code } = await drain(socketPath, world, "--deadline", "5s");
    expect(code).toBe(1);
  });

  it("ends with the names and reasons of VMs that may not move", async () => {
    const policy = { pin: null, ignore: true, antiAffinityGroup: null, affinityGroup: null };
    const { socketPath, world } = await scene([
      shown(true, [vm("web-1", { policy }), vm("db-1", { immovable: "its disk is local" })]),
    ]);
    const { code, err } = await drain(socketPath, world);
    expect(code).toBe(1);
    expect(err).toMatch(/2 VMs that may not move: web-1 \(ignored\), db-1 \(its disk is local\)/);
  });

  it("ends at its deadline and leaves the drain alone", async () => {
    const { socketPath, world, view } = await scene([shown(true, [vm("web-1")])]);
    const { code, err } = await drain(socketPath, world, "--deadline", "1m");
    expect(code).toBe(1);
    expect(err).toMatch(
      /not done within the deadline; the drain of host-b goes on.*undrain host-b/,
    );
    expect(world.nowMs()).toBe(60_000);
    expect(view.asked).toHaveLength(1);
  });

  it("notices that somebody ended the drain, or that the host died", async () => {
    const other = await scene([shown(true, [vm("web-1")]), shown(false, [vm("web-1")])]);
    const undrained = await drain(other.socketPath, other.world);
    expect(undrained).toMatchObject({ code: 1, err: expect.stringContaining("somebody else") });
    const dead = snapshotFixture({ members: host(true, "dead"), vms: [vm("web-1")] });
    const third = await scene([shown(true, [vm("web-1")]), dead]);
    const died = await drain(third.socketPath, third.world);
    expect(died).toMatchObject({ code: 1, err: expect.stringContaining("host-b is dead") });
  });

  it("refuses a deadline that is no time span before it asks for anything", async () => {
    const { socketPath, world, view } = await scene([underWay]);
    const { code, err } = await drain(socketPath, world, "--deadline", "soon");
    expect(code).toBe(2);
    expect(err).toContain('"soon" is no time span');
    expect(view.asked).toEqual([]);
  });
});
