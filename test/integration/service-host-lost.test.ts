/**
 * A host that runs a member is lost: its agent and guests are killed, or its link is cut. Others
 * take over, and clients of the other hosts lose no more than what the dead member had.
 *
 * The figure to reach is 5 s, after healing 10 s; it is printed, and a busy machine gets several
 * times that.
 */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { AgentHost } from "../support/agent-host.ts";
import { eventually } from "../support/eventually.ts";
import type { FrontLoad } from "../support/front-load.ts";
import { canMakeNamespaces } from "../support/network-namespaces.ts";
import { ServiceRig } from "../support/service-rig.ts";

const RESTORE_MS_MAX = 20_000;
const AGREE_MS_MAX = 40_000;
const AGREE_GOAL_MS = 10_000;
const REQUESTS_PER_SECOND = 25;
/** Requests go on for so long after the others have taken over. */
const AFTERWARDS_MS = 1_500;

const enabled = canMakeNamespaces();
let rig: ServiceRig;

beforeAll(async () => {
  if (enabled) rig = await ServiceRig.make({ service: { running: { min: 2, max: 3 } } });
});
afterEach(({ task }) => rig?.review(task.result?.state === "fail"));
afterAll(() => rig?.close());

/** A host that runs a member, and the number of another one's switch. */
function chosen(): { victim: AgentHost; front: number } {
  const victim = rig.named(rig.running().at(-1) ?? "");
  return { victim, front: rig.numberOf(victim) === 1 ? 2 : 1 };
}

/** Until so many members of other hosts are ready at the switch; how long it took, ms. */
function takenOver(front: number, victim: AgentHost, count: number): Promise<number> {
  const holds = async () => {
    const states = Object.entries(await rig.atSwitch(front));
    const serving = states.filter(([host, state]) => host !== victim.name && state === "ready");
    return serving.length === count;
  };
  return eventually(`${count} others are ready`, holds, { limitMs: RESTORE_MS_MAX, pollMs: 50 });
}

/** What was lost, which may be nothing but what the victim's member had. */
async function lostOnlyAt(victim: AgentHost, load: FrontLoad, front: number): Promise<string> {
  await new Promise((wake) => setTimeout(wake, AFTERWARDS_MS));
  await load.stop();
  const hosts = await Promise.all(load.lost.map(({ server }) => rig.hostOf(server, front)));
  expect(hosts.filter((name) => name !== victim.name)).toEqual([]);
  return load.words;
}

it.skipIf(!enabled)("members of others take over when agent and guests are killed", async () => {
  const { victim, front } = chosen();
  const load = rig.load(front, REQUESTS_PER_SECOND);
  await eventually("requests are answered", async () => load.ends.length > 20);
  await victim.kill();
  for (const { vm } of victim.guests()) victim.killGuest(vm);
  const tookMs = await takenOver(front, victim, 2);
  const words = await lostOnlyAt(victim, load, front);
  console.info(`host killed: min restored after ${Math.round(tookMs)} ms; ${words}`);

  await victim.start();
  await rig.settled("running running suspended", rig.hosts);
});

it.skipIf(!enabled)("members of others take over when the link is cut", async () => {
  const { victim, front } = chosen();
  const load = rig.load(front, REQUESTS_PER_SECOND);
  await eventually("requests are answered", async () => load.ends.length > 20);
  rig.fleet.cut(rig.numberOf(victim));
  const tookMs = await takenOver(front, victim, 2);
  const words = await lostOnlyAt(victim, load, front);
  console.info(`link cut: min restored after ${Math.round(tookMs)} ms; ${words}`);

  rig.fleet.heal(rig.numberOf(victim));
  const healedMs = await rig.settled("running running suspended", rig.hosts, AGREE_MS_MAX);
  console.info(`link cut: counts right ${Math.round(healedMs)} ms after healing`);
});

it.skipIf(!enabled)(
  "both sides of a partition keep their min, and one rests after it",
  async () => {
    await rig.scale({ min: 1 });
    await rig.settled("running suspended suspended", rig.hosts);
    const [alone, second, third] = [rig.fleet.host(1), rig.fleet.host(2), rig.fleet.host(3)];
    rig.fleet.cut(1);
    const cutMs = await eventually(
      "each side has a steward and a running member of its own",
      async () => {
        const shown = await Promise.all(rig.hosts.map((host) => rig.show(host)));
        const stewards = shown.map(({ steward }) => steward);
        expect(stewards[0]).toBe("n1");
        expect(["n2", "n3"]).toContain(stewards[1]);
        expect(stewards[2]).toBe(stewards[1]);
        expect(await rig.states(alone)).toBe("running");
        expect(await rig.states(second)).toBe("running suspended");
        return (await rig.states(third)) === "running suspended";
      },
      { limitMs: AGREE_MS_MAX },
    );
    expect(rig.running()).toHaveLength(2);
    const loads = [1, 2].map((number) => rig.load(number, REQUESTS_PER_SECOND));
    await new Promise((wake) => setTimeout(wake, AFTERWARDS_MS));
    rig.fleet.heal(1);
    const healedMs = await rig.settled("running suspended suspended", rig.hosts, AGREE_MS_MAX);
    await Promise.all(loads.map((load) => load.stop()));
    const [cut, healed] = [Math.round(cutMs), Math.round(healedMs)];
    console.info(
      `partition: both sides serve after ${cut} ms, one rests ${healed} ms after healing`,
    );
    if (healedMs > AGREE_GOAL_MS) console.info(rig.story.take());
    expect(rig.running()).toHaveLength(1);
    // Clients of either side asked all along, through the healing too.
    expect(loads.map(({ lost }) => lost)).toEqual([[], []]);
  },
);
