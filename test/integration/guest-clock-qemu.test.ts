/** The clock of a real guest that slept: with an agent that runs, with one that is stopped, with none. */
import { expect, it, onTestFinished } from "vitest";
import {
  GUEST_ANSWER,
  GUEST_CLOCK,
  type GuestAgentHere,
  MemberRig,
} from "../support/member-rig.ts";
import { MemoryLog } from "../support/memory-log.ts";

/** Long enough for the clock of a guest that slept to be clearly wrong. */
const SLEEP_MS = 5_000;
const UNSET = "the clock of a resumed guest is not set: see that the agent in the guest runs";

async function sleptMember(agent: GuestAgentHere) {
  const log = new MemoryLog();
  const rig = await MemberRig.make({ agent, log });
  onTestFinished(() => rig.close());
  expect(await rig.stage()).toMatchObject({ ok: true });
  await rig.addToSwitch();
  await rig.suspend();
  await new Promise((wake) => setTimeout(wake, SLEEP_MS));
  await rig.resume();
  const warnings = () => log.records.filter(({ message }) => message === UNSET);
  return { rig, warnings };
}

it("a guest whose agent runs has the host's time when its health check counts", async () => {
  const { rig, warnings } = await sleptMember("runs");
  await rig.check(GUEST_CLOCK);
  await rig.setAtSwitch("ready");
  const beforeSeconds = Math.floor(Date.now() / 1000);
  const guestSeconds = Number(await rig.askThroughSwitch(GUEST_CLOCK));
  expect(guestSeconds).toBeGreaterThanOrEqual(beforeSeconds - 1);
  expect(guestSeconds).toBeLessThanOrEqual(Date.now() / 1000 + 1);
  expect(warnings()).toEqual([]);
  // Again and again: nothing of one conversation is in the way of the next.
  await rig.setAtSwitch("maint");
  for (let time = 0; time < 3; time += 1) {
    await rig.suspend();
    await rig.resume();
  }
  expect(warnings()).toEqual([]);
  expect(await rig.qemu.countFault(rig.spec.name)).toBeNull();
});

it.each([
  ["whose agent is stopped", "stopped", 1],
  ["without an agent", "none", 0],
] as const)(
  "a guest %s resumes all the same, with the time at which it fell asleep",
  async (_what, agent, warned) => {
    const { rig, warnings } = await sleptMember(agent);
    await rig.check();
    await rig.setAtSwitch("ready");
    expect(await rig.askThroughSwitch(GUEST_CLOCK)).toBe("status 503");
    expect(await rig.askThroughSwitch()).toBe(GUEST_ANSWER);
    expect(warnings()).toHaveLength(warned);
    expect(await rig.qemu.countFault(rig.spec.name)).toBeNull();
  },
);
