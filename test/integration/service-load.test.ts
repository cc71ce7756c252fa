/**
 * Load on a service with real members: one that swings changes next to nothing in how many run, and
 * a crowd that comes within a second loses no request.
 *
 * Times are printed and not asserted, for they are those of a busy machine.
 */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { canMakeNamespaces } from "../support/network-namespaces.ts";
import { ServiceRig } from "../support/service-rig.ts";

/** A member takes so many requests at a time, for 200 ms each: 80 a second. */
const AT_ONCE = 16;
const WEB = `200,${AT_ONCE}`;
/** As sessions that a switch counts: 40 requests a second and member. */
const TARGET = 8;
const SWING_MS = 10_000;
const SWINGS = 6;
/** 0.7 of it are less than one member's target, 1.3 need two, and nearly a third. */
const SWINGING_PER_SECOND = 55;
const CALM_PER_SECOND = 25;
const CALM_MS = 2_000;
const CROWD_PER_SECOND = 5 * CALM_PER_SECOND;
const CROWD_MS_MAX = 60_000;
const CROWD_STAYS_MS = 8_000;
/** An answer that takes no longer than this hardly waited for its turn. */
const IN_TIME_MS = 400;

const enabled = canMakeNamespaces();
let rig: ServiceRig;

beforeAll(async () => {
  if (!enabled) return;
  // Settle is the default: what was resumed last has 3 s to take its part of the load.
  const service = {
    target: { sessionsPerMember: TARGET },
    settle: "30s",
    // What a member has no room for waits at the switch, as the README advises.
    switch: { backend: "web", connectionsPerMember: AT_ONCE },
  };
  rig = await ServiceRig.make({ service, web: WEB });
});
afterEach(({ task }) => rig?.review(task.result?.state === "fail"));
afterAll(() => rig?.close());

const rest = (ms: number) => new Promise((wake) => setTimeout(wake, ms));

/** How many members run by the word of the first host. */
async function count(): Promise<number> {
  const members = await rig.members(rig.fleet.host(1));
  return members.filter(({ state }) => state === "running").length;
}

it.skipIf(!enabled)("a load that swings by 30 % changes the count twice at most", async () => {
  const load = rig.load(1, SWINGING_PER_SECOND);
  const counts: number[] = [await count()];
  const look = async () => {
    const now = await count();
    if (now !== counts.at(-1)) counts.push(now);
  };
  // A look that fails, as at the end, tells nothing; the next one does.
  const timer = setInterval(() => look().catch(() => undefined), 200);
  try {
    for (let swing = 0; swing < SWINGS; swing += 1) {
      load.rate = SWINGING_PER_SECOND * (swing % 2 === 0 ? 1.3 : 0.7);
      await rest(SWING_MS);
    }
  } finally {
    clearInterval(timer);
  }
  await load.stop();
  console.info(`swinging load: ${counts.join(" -> ")} members, ${load.words}`);
  expect(counts.length - 1).toBeLessThanOrEqual(2);
  expect(load.lost).toEqual([]);
});

it.skipIf(!enabled)("a crowd that comes within a second loses no request", async () => {
  const load = rig.load(1, CALM_PER_SECOND);
  await rig.scale({ max: 1 });
  await rig.settled("running suspended suspended");
  await rig.scale({ max: 3 });
  await rest(CALM_MS);
  const beganMs = performance.now();
  load.rate = CROWD_PER_SECOND;
  const threeMs = await eventually("all members run", async () => (await count()) === 3, {
    limitMs: CROWD_MS_MAX,
  });
  await rest(CROWD_STAYS_MS);
  load.rate = CALM_PER_SECOND;
  await load.stop();
  const late = load.ends.filter(({ tookMs }) => tookMs > IN_TIME_MS);
  const lateMs = Math.max(0, ...late.map(({ sentAtMs, tookMs }) => sentAtMs + tookMs - beganMs));
  const [three, recovered] = [Math.round(threeMs), Math.round(lateMs)];
  console.info(
    `crowd: three run after ${three} ms, the last late answer came after ${recovered} ms`,
  );
  console.info(`crowd: ${load.words}`);
  expect(load.lost).toEqual([]);
});
