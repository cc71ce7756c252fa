/** A move whose target dies after the commit: in doubt, until the operator has fenced that host. */
import { setTimeout as pause } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { OUTBOX_WAIT_MS } from "#agent/transport/outbox.ts";
import { AgentFleet } from "../support/agent-fleet.ts";
import { eventually } from "../support/eventually.ts";
import { showLogs } from "../support/fleet-in-test.ts";
import { MoveFaultBench } from "../support/move-fault-bench.ts";
import { canMakeNamespaces } from "../support/network-namespaces.ts";
import { QemuGuests } from "../support/qemu-guests.ts";

const STEP = { limitMs: 120_000, pollMs: 100 };
const SLACK_MS = 1_500;
const TEST_MS_MAX = 400_000;

it.skipIf(!canMakeNamespaces())(
  "a VM whose new host died before it ran stays frozen and in doubt until the operator decides",
  { timeout: TEST_MS_MAX },
  async () => {
    const vm = "web";
    const guests = new QemuGuests({ settings: { migration: { bandwidthMiBps: 16 } } });
    const fleet = new AgentFleet({ count: 2, network: "namespaces", settings: guests.settings });
    onTestFinished(async ({ task }) => {
      if (task.result?.state === "fail") showLogs(fleet);
      await fleet.close();
    });
    const [source, target] = [fleet.host(1), fleet.host(2)];
    await fleet.startAll();
    await fleet.joined();
    const bench = new MoveFaultBench(fleet, guests);
    await bench.start(vm);
    await bench.booted(vm);
    await bench.reach({ phase: "committed", fault: "target agent killed", vm });
    await target.kill();

    const alarms = async () => (await source.api.status()).alarms.map(({ code }) => code);
    await eventually("it is told", async () => (await alarms()).includes("in-doubt"), STEP);
    expect(await source.api.metric("evenkeel_alarms", 'code="in-doubt"')).toBe(1);
    const shown = async () => (await source.api.vms()).find(({ name }) => name === vm)?.state;
    expect(await shown()).toBe("in-doubt");
    const frozenAt = await guests.count(fleet, vm);
    const fence = (fenced: string) =>
      source.api.ask(`/v1/vms/${vm}/resolve`, { decision: "run-here", fenced });
    const refused = await fence("n7");
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(await guests.count(fleet, vm)).toBe(frozenAt);

    expect((await fence(target.name)).status).toBeLessThan(300);
    const counts = async () => (await guests.count(fleet, vm)) > frozenAt + 2;
    await eventually("it counts on here", counts, STEP);

    // The host was not fenced after all: what it holds must never run once it comes back.
    await pause(OUTBOX_WAIT_MS + SLACK_MS);
    await target.start();
    await eventually("its copy is discarded", async () => target.guests().length === 0, STEP);
    const settled = async () => {
      const [here, there] = await Promise.all([source.api.status(), target.api.status()]);
      return [...here.moves, ...there.moves, ...here.alarms, ...there.alarms].length === 0;
    };
    await eventually("nothing is open any more", settled, STEP);
    expect((await target.api.vms()).map(({ name, host, state }) => [name, host, state])).toEqual([
      [vm, source.name, "running"],
    ]);
    const { lost, repeated } = await fleet.serialCounts(vm);
    expect([...lost, ...repeated]).toEqual([]);
  },
);
