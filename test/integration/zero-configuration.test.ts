/**
 * Agents that were told nothing: each in a network namespace of its own, all on one bridge. With the
 * same key they join; with another one they stay apart and say so; with none they only advise.
 */
import { rmSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { aliveNames } from "../support/agent-fleet.ts";
import { eventually } from "../support/eventually.ts";
import { fleetInTest } from "../support/fleet-in-test.ts";
import { labGuest, labSpec } from "../support/lab-guest.ts";
import { canMakeNamespaces } from "../support/network-namespaces.ts";

/** The figure to reach is 3 s; a busy machine gets five times that. */
const JOIN_MS_MAX = 15_000;
/** Long enough for a second and third question by mDNS. */
const APART_MS = 6_000;
const CONFIGURATION_EXIT = 78;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(!canMakeNamespaces())("zero configuration", () => {
  it("three agents with the same key and nothing else all list three members", async () => {
    const fleet = fleetInTest({ count: 3, network: "namespaces" });
    for (const host of fleet.hosts) host.spawn();
    const startedMs = performance.now();
    await Promise.all(fleet.hosts.map((host) => host.answers()));
    await fleet.joined(JOIN_MS_MAX);
    const joinedMs = performance.now() - startedMs;
    console.log(`three members at all three ${Math.round(joinedMs)} ms after the last start`);
    expect(joinedMs).toBeLessThan(JOIN_MS_MAX);
    for (const host of fleet.hosts) {
      const status = await host.api.status();
      expect(status).toMatchObject({ keyed: true, mode: "hold" });
    }
  });

  it("an agent with another key never appears among them and says why", async () => {
    const fleet = fleetInTest({ count: 3, network: "namespaces" });
    const stranger = fleet.makeHost(3, { name: "stranger", keyFile: fleet.writeKey("other-key") });
    const [first, second] = [fleet.host(1), fleet.host(2)];
    await Promise.all([first, second, stranger].map((host) => host.start()));
    await fleet.joined(JOIN_MS_MAX);
    const tells = (text: string) => /holds another cluster key/.test(text);
    await eventually("the stranger says why", async () => tells(stranger.log()));
    await eventually("a member says who is there", async () => tells(first.log() + second.log()));
    await pause(APART_MS);
    expect(await aliveNames(stranger)).toEqual(["stranger"]);
    for (const host of [first, second]) {
      const names = (await host.api.members()).map(({ name }) => name).sort();
      expect(names).toEqual(["n1", "n2"]);
    }
    const line = stranger.logLines().find(({ msg }) => tells(msg ?? ""));
    expect(line?.msg).toMatch(/evenkeel key fingerprint/);
    await stranger.kill();
  });

  it("without a key three agents join in the open, print the move they would make, never act", async () => {
    const guest = labGuest();
    const fleet = fleetInTest({
      count: 3,
      network: "namespaces",
      keyed: false,
      settings: {
        capacity: { cpuCores: 0.5, memoryMiB: 4096 },
        hypervisor: { driver: "qemu", storageRoots: [guest.kernel.replace(/\/[^/]*$/, "")] },
      },
    });
    await fleet.startAll();
    const joinedMs = await fleet.joined(JOIN_MS_MAX);
    console.log(`in the open all listed three ${Math.round(joinedMs)} ms after all answered`);
    const crowded = fleet.host(1);
    for (const vm of ["web-1", "web-2", "web-3"]) {
      await crowded.api.post("/v1/vms", labSpec(vm, guest, { loadMs: 9 }));
      await crowded.api.post(`/v1/vms/${vm}/start`);
    }
    const planned = async () => {
      const plan = await crowded.api.get<{ moves: { vm: string; from: string; to: string }[] }>(
        "/v1/plan",
      );
      return plan.moves;
    };
    await eventually("a move is planned", async () => (await planned()).length > 0);
    const [move] = await planned();
    console.log(`it would move ${move?.vm} from ${move?.from} to ${move?.to}`);
    expect(move).toMatchObject({ from: "n1" });
    expect(["n2", "n3"]).toContain(move?.to);

    const refusal = await crowded.api.ask("/v1/mode", { mode: "act" });
    expect(refusal.status).toBe(403);
    expect(refusal.text).toMatch(/key/);
    const asked = await crowded.api.ask("/v1/vms/web-1/migrate", { target: "n2" });
    expect(asked.status).toBe(403);
    await pause(APART_MS);
    expect(fleet.hosts.map((host) => host.guests().length)).toEqual([3, 0, 0]);
    for (const host of fleet.hosts) {
      const status = await host.api.status();
      expect(status).toMatchObject({ keyed: false, mode: "hold", moves: [] });
    }
    // Names of VMs are told to nobody in the open.
    expect(await fleet.host(2).api.vms()).toEqual([]);
  });

  it("a keyed agent whose key vanished ends with exit 78 and never joins in the open", async () => {
    const fleet = fleetInTest({ count: 1, network: "namespaces" });
    const host = fleet.host(1);
    await host.start();
    await host.kill("SIGTERM");
    rmSync(fleet.keyFile);
    host.spawn();
    expect(await host.ended).toEqual({ code: CONFIGURATION_EXIT, signal: null });
    expect(host.log()).toMatch(/has had a cluster key before/);

    // Not even when nobody names the key any more.
    const unnamed = fleet.makeHost(1, { keyFile: null });
    unnamed.spawn();
    expect(await unnamed.ended).toEqual({ code: CONFIGURATION_EXIT, signal: null });
  });
});
