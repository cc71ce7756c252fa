/**
 * Nobody in charge: agents are killed one after the other while they balance real guests. The
 * others go on, guests do not notice, and an agent that returns takes its own back.
 */
import { expect, it } from "vitest";
import type { OutcomeAnswer } from "../support/agent-api.ts";
import type { AgentFleet } from "../support/agent-fleet.ts";
import type { AgentHost } from "../support/agent-host.ts";
import { Crowd } from "../support/crowd.ts";
import { eventually } from "../support/eventually.ts";
import { fleetInTest } from "../support/fleet-in-test.ts";
import { canMakeNamespaces } from "../support/network-namespaces.ts";
import { QemuGuests } from "../support/qemu-guests.ts";

const CAPACITY = { cpuCores: 0.4, memoryMiB: 4096 };
/** On a machine that others use, too, every step takes its time. */
const STEP = { limitMs: 180_000, pollMs: 200 };
const TEST_MS_MAX = 900_000;

it("agents that are killed while they balance leave the others balancing and their guests running", {
  timeout: TEST_MS_MAX,
}, async () => {
  const guests = new QemuGuests({ loadMs: 2, settings: { capacity: CAPACITY } });
  const network = canMakeNamespaces() ? "namespaces" : "loopback";
  const fleet = fleetInTest({ count: 3, network, settings: guests.settings });
  await fleet.startAll();
  await fleet.joined();
  const [first, second, third] = [fleet.host(1), fleet.host(2), fleet.host(3)];
  const crowd = new Crowd(fleet, guests);
  // Whether the struck move of the first is carried out or not, each of the two is left with a
  // reason to move another: 5 or 4 beside 3, then 5 or 4 beside 2 and 2.
  await crowd.start(first, 5);
  await crowd.start(second, 3);
  await crowd.booted();

  await first.api.post("/v1/mode", { mode: "act" });
  await moveUnderWay([first, second]);
  // From the kill on: on an idle machine the others are level before they call it dead.
  const atMs = Date.now();
  await killed(fleet, crowd, first);
  await eventually("n2 relieves itself without n1", () => moved(second, third, atMs), STEP);
  await takesBack(crowd, first);

  // Now the first is the fullest: it is its turn, and the second's to be killed.
  await eventually("n1 has begun to relieve itself", () => moved(first, undefined, atMs), STEP);
  await killed(fleet, crowd, second);
  await crowd.countOn();
  const actsOn = async () => (await first.api.status()).mode === "act";
  await eventually("n1 has learnt again that it may act", actsOn, STEP);
  await takesBack(crowd, second);

  await fleet.joined(STEP.limitMs);
  await eventually("all agree on every guest", () => allAgree(fleet, crowd), STEP);
  await crowd.countOn();
  expect(await crowd.countFaults()).toEqual([]);
  for (const [vm, places] of crowd.processes()) expect(places, vm).toHaveLength(1);
  const alarms = await Promise.all(fleet.hosts.map(async ({ api }) => (await api.status()).alarms));
  expect(alarms.flat()).toEqual([]);
});

async function moveUnderWay(hosts: readonly AgentHost[]): Promise<void> {
  const holds = async () => {
    const all = await Promise.all(hosts.map(async ({ api }) => (await api.status()).moves));
    return all.flat().length > 0;
  };
  await eventually("a move is under way", holds, { ...STEP, pollMs: 20 });
}

/** True once a move between these two has ended well after `sinceMs`; any target when undefined. */
async function moved(from: AgentHost, to: AgentHost | undefined, sinceMs: number) {
  type Ended = OutcomeAnswer & { readonly endedAtMs: number };
  const history = (await from.api.history()) as readonly Ended[];
  return history.some(
    (one) =>
      one.result === "moved" &&
      one.endedAtMs > sinceMs &&
      one.from === from.name &&
      (to === undefined || one.to === to.name),
  );
}

/** Kills the agent; the others say that it is dead, and its guests run on. */
async function killed(fleet: AgentFleet, crowd: Crowd, host: AgentHost): Promise<void> {
  await host.kill();
  const own = host
    .guests()
    .filter(({ role }) => role === "own")
    .map(({ vm }) => vm);
  const others = fleet.hosts.filter((other) => other !== host);
  const known = async () => {
    const lists = await Promise.all(others.map(({ api }) => api.members()));
    return lists.every(
      (members) => members.find(({ name }) => name === host.name)?.state === "dead",
    );
  };
  await eventually(`the others know that ${host.name} is dead`, known, STEP);
  expect(own.length).toBeGreaterThan(0);
  await crowd.countOn(own);
}

/** Starts the agent again: it shows its guests as running, in the very processes that they had. */
async function takesBack(crowd: Crowd, host: AgentHost): Promise<void> {
  const here = (places: readonly string[]) =>
    places.filter((place) => place.startsWith(`${host.name} `));
  const before = new Map([...crowd.processes()].map(([vm, places]) => [vm, here(places)]));
  await host.start();
  const shown = async () =>
    (await host.api.vms())
      .filter((vm) => vm.host === host.name && vm.state === "running")
      .map(({ name }) => name);
  const first = await shown();
  expect(first.length).toBeGreaterThan(0);
  for (const vm of first) {
    const now = here(crowd.processes().get(vm) ?? []);
    // Unless it has moved away or come back since.
    if (now.length > 0) expect(now, vm).toEqual(before.get(vm));
  }
}

async function allAgree(fleet: AgentFleet, crowd: Crowd): Promise<boolean> {
  const looks = await Promise.all(
    fleet.hosts.map(async ({ api }) => ({ vms: await api.vms(), status: await api.status() })),
  );
  const places = looks.map(({ vms }) =>
    vms
      .map(({ name, host, state }) => `${name} ${host} ${state}`)
      .sort()
      .join(),
  );
  const truth = [...crowd.processes()]
    .map(([vm, processes]) => `${vm} ${processes.map((p) => p.split(" ")[0]).join("+")} running`)
    .sort()
    .join();
  const open = looks.flatMap(({ status }) => status.moves);
  return open.length === 0 && places.every((place) => place === truth);
}
