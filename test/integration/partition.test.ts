/**
 * A cut between one host and two: both sides go on, each marks the other, and after the cut all
 * agree again by themselves.
 */
import { dirname } from "node:path";
import { expect, it } from "vitest";
import type { AgentHost } from "../support/agent-host.ts";
import { eventually } from "../support/eventually.ts";
import { fleetInTest } from "../support/fleet-in-test.ts";
import { labGuest, labSpec } from "../support/lab-guest.ts";
import { canMakeNamespaces } from "../support/network-namespaces.ts";

/** Two hosts apart for longer than any suspicion lasts. */
const CUT_MS_MIN = 15_000;
/** The figure to reach is 10 s; a busy machine gets five times that. */
const AGREE_MS_MAX = 50_000;

const statesAt = async (host: AgentHost) => {
  const members = await host.api.members();
  return Object.fromEntries(members.map(({ name, state }) => [name, state]));
};

it.skipIf(!canMakeNamespaces())("a partition leaves both sides working and heals", async () => {
  const guest = labGuest();
  const fleet = fleetInTest({
    count: 3,
    network: "namespaces",
    settings: {
      capacity: { cpuCores: 0.5, memoryMiB: 2048 },
      hypervisor: { driver: "qemu", storageRoots: [dirname(guest.kernel)] },
    },
  });
  const [alone, second, third] = [fleet.host(1), fleet.host(2), fleet.host(3)];
  await fleet.startAll();
  await fleet.joined();
  for (const [host, vm] of [
    [alone, "lonely"],
    [second, "mover"],
  ] as const) {
    await host.api.post("/v1/vms", labSpec(vm, guest));
    await host.api.post(`/v1/vms/${vm}/start`);
  }

  fleet.cut(1);
  const cutAtMs = performance.now();
  await eventually("each side marks the other dead", async () => {
    const [ofAlone, ofSecond, ofThird] = await Promise.all(fleet.hosts.map(statesAt));
    const marked = [ofAlone?.["n2"], ofAlone?.["n3"], ofSecond?.["n1"], ofThird?.["n1"]];
    return marked.every((state) => state === "dead");
  });
  console.log(`each side held the other dead after ${Math.round(performance.now() - cutAtMs)} ms`);
  expect(await statesAt(second)).toMatchObject({ n2: "alive", n3: "alive" });

  // The side of one still obeys its operator, the side of two still moves.
  await alone.api.post("/v1/vms/lonely/stop", { force: true });
  await alone.api.post("/v1/vms/lonely/start");
  const refused = await alone.api.ask("/v1/vms/lonely/migrate", { target: "n2" });
  expect(refused.status).toBeGreaterThanOrEqual(400);
  await second.api.post("/v1/vms/mover/migrate", { target: "n3" });
  await eventually("the move ended", async () => {
    const vm = (await third.api.vms()).find(({ name }) => name === "mover");
    return vm?.host === "n3" && vm.state === "running" && vm.moveId === null;
  });
  const restMs = Math.max(0, CUT_MS_MIN - (performance.now() - cutAtMs));
  await new Promise((resolve) => setTimeout(resolve, restMs));

  fleet.heal(1);
  const healedAtMs = performance.now();
  await fleet.joined(AGREE_MS_MAX);
  await eventually(
    "all three know where each VM runs",
    async () => {
      const lists = await Promise.all(fleet.hosts.map((host) => host.api.vms()));
      const places = lists.map((list) =>
        list
          .map((vm) => `${vm.name}@${vm.host}`)
          .sort()
          .join(),
      );
      return places.every((text) => text === "lonely@n1,mover@n3");
    },
    { limitMs: AGREE_MS_MAX },
  );
  const agreedMs = performance.now() - healedAtMs;
  console.log(`all agreed again ${Math.round(agreedMs)} ms after the cut ended`);
  expect(agreedMs).toBeLessThan(AGREE_MS_MAX);
  expect(fleet.hosts.map((host) => host.guests().map(({ vm }) => vm))).toEqual([
    ["lonely"],
    [],
    ["mover"],
  ]);
  const alarms = await Promise.all(
    fleet.hosts.map(async (host) => (await host.api.status()).alarms),
  );
  expect(alarms.flat()).toEqual([]);
});
