import { describe, expect, it } from "vitest";
import { memberNameOf } from "#lib/services/member-name.ts";
import { mustDo } from "#lib/simulation/sim-cluster.ts";
import { burden, runningOf, shiftWorld } from "../../support/shift-world.ts";

const services = { web: { running: { min: 1, max: 3 } } };

/** A hot host with the running member, on a cluster that is on hold: nothing comes of it yet. */
function held() {
  const setting = shiftWorld(1, { hosts: 3, services });
  const { world } = setting;
  const [hot = ""] = runningOf(world, "web");
  mustDo(world, hot, { verb: "mode", mode: "hold" });
  burden(setting, hot, 3.8);
  world.runFor(20_000);
  return { ...setting, hot, vm: memberNameOf("web", hot) ?? "" };
}

function explained({ world }: ReturnType<typeof shiftWorld>, asked: string, vm: string) {
  const reply = world.ask(asked, { verb: "explain", vm });
  world.runFor(1_000);
  return JSON.parse(reply()?.data ?? "null");
}

describe("ShiftDesk", () => {
  it("shifts nothing on hold, and says on every host what it would win and cost", () => {
    const setting = held();
    const { world, hot, vm, shifts } = setting;
    expect(shifts.asked).toEqual([]);
    for (const host of world.hosts) {
      const told = explained(setting, host, vm);
      expect(told).toMatchObject({ vm, host: hot, service: "web", history: [] });
      expect(told.reason).toMatch(/^(hot|above the others): .*on hold/);
      expect(told.candidates).toHaveLength(2);
      for (const { gain, cost, score, refusal } of told.candidates) {
        expect(gain).toBeGreaterThan(0.1);
        expect(cost).toBeGreaterThan(0);
        expect(score).toBeCloseTo(gain - cost);
        expect(refusal).toBeNull();
      }
    }
    const { shifts: planned } = world.snapshotOf(hot) ?? {};
    expect(planned).toHaveLength(2);
    expect(planned?.[0]).toMatchObject({ service: "web", vm, from: hot, refusal: null });
  });

  it("says of a member that does not run that only running ones are shifted", () => {
    const setting = shiftWorld(1, { hosts: 3, services });
    const { world } = setting;
    const [at = ""] = runningOf(world, "web");
    const idle = world.hosts.find((host) => host !== at) ?? "";
    const told = explained(setting, at, memberNameOf("web", idle) ?? "");
    expect(told).toMatchObject({ host: idle, service: "web", candidates: [] });
    expect(told.reason).toMatch(/^it is suspended, and only running members are shifted; /);
  });

  it("tells that the member rests after a shift, and why not elsewhere", () => {
    const setting = held();
    const { world, hot, shifts } = setting;
    mustDo(world, hot, { verb: "mode", mode: "act" });
    const isShifted = () => !runningOf(world, "web").includes(hot);
    expect(world.runUntil(isShifted, 30_000)).toBe(true);
    expect(shifts.asked).toHaveLength(1);
    const [now = ""] = runningOf(world, "web");
    world.runFor(10_000);
    const told = explained(setting, hot, memberNameOf("web", now) ?? "");
    expect(told.candidates).toHaveLength(2);
    for (const { refusal } of told.candidates) {
      expect(refusal).toMatch(/^it was shifted a short while ago and rests for another \d\d s$/);
    }
  });

  it("asks for none where no host can take the member, says why, and asks when one can", () => {
    const setting = held();
    const { world, hot, vm, shifts } = setting;
    const others = world.hosts.filter((host) => host !== hot);
    for (const host of others) mustDo(world, host, { verb: "drain", host });
    world.runFor(3_000);
    mustDo(world, hot, { verb: "mode", mode: "act" });
    world.runFor(20_000);
    expect(shifts.asked).toEqual([]);
    const told = explained(setting, hot, vm);
    for (const { refusal, toName } of told.candidates)
      expect(refusal).toBe(`${toName} is draining`);
    for (const host of others) mustDo(world, host, { verb: "undrain", host });
    expect(world.runUntil(() => !runningOf(world, "web").includes(hot), 30_000)).toBe(true);
  });
});

describe("a steward that is asked for a shift", () => {
  it("refuses another host's member, what is not there, and what it does not steward", () => {
    const { world, shifts } = shiftWorld(1, { hosts: 3, services });
    const [at = ""] = runningOf(world, "web");
    const others = world.hosts.filter((host) => host !== at);
    const [second = "", third = ""] = others;
    const ask = (steward: string, from: string, shift: { from: string; to: string }) => {
      const message = { type: "shift" as const, service: "web", cpuCoresMax: 4, ...shift };
      world.agent(steward)?.deliver({ type: "messageReceived", from, via: "stream", message });
      world.runFor(500);
      const answer = shifts.said.findLast((one) => one.type === "shiftAnswer");
      return answer?.type === "shiftAnswer" ? answer.refusal : undefined;
    };
    const answers = world.hosts.map((steward) => {
      const from = steward === second ? third : second;
      return ask(steward, from, { from, to: at });
    });
    const notSteward = "is not the steward of web";
    expect(answers.filter((one) => one === notSteward)).toHaveLength(2);
    const steward = world.hosts[answers.findIndex((one) => one !== notSteward)] ?? "";
    expect(answers).toContainEqual(expect.stringMatching(/suspended there, not running/));
    const from = steward === second ? third : second;
    expect(ask(steward, from, { from: at, to: second })).toBe(
      "was asked for another host's member",
    );
    expect(runningOf(world, "web")).toEqual([at]);
  });
});
