/** The whole product on libvirt: real agents, real libvirtds, nothing set up between the hosts. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { showLogs } from "../support/fleet-in-test.ts";
import { LibvirtFleet } from "../support/libvirt-fleet.ts";
import { libvirtMissing } from "../support/libvirt-host.ts";

const missing = libvirtMissing();

describe.skipIf(missing !== null)(`agents on two libvirtds (${missing ?? "installed"})`, () => {
  let libvirt: LibvirtFleet;

  beforeAll(async () => {
    libvirt = await LibvirtFleet.make({ count: 2 });
  });
  afterAll(() => libvirt?.close());

  it("move a guest there and back by `migrate`, without losing a count", async () => {
    const [first, second] = [libvirt.fleet.host(1), libvirt.fleet.host(2)];
    try {
      await libvirt.boot("web", 1);
      const spent: number[] = [];
      for (const [from, to] of [
        [first, second],
        [second, first],
      ] as const) {
        const beganMs = performance.now();
        await from.api.post("/v1/vms/web/migrate", { target: to.name });
        await eventually(`web runs on ${to.name}`, async () => {
          const [vm, ...more] = (await to.api.vms()).filter(({ name }) => name === "web");
          return more.length === 0 && vm?.state === "running" && vm.hostState !== "";
        });
        const isThere = async () => (await to.api.history())[0]?.result === "moved";
        await eventually(`the move to ${to.name} is over`, isThere);
        spent.push(performance.now() - beganMs);
        await libvirt.counts("web");
      }
      const { lost, repeated } = await libvirt.serial("web");
      expect({ lost, repeated }).toEqual({ lost: [], repeated: [] });
      expect(libvirt.processes("web")).toEqual([1]);
      const outcomes = (await first.api.history()).map(({ downtimeMs }) => downtimeMs);
      console.log(`moves took ${spent.map(Math.round)} ms, frozen for ${outcomes} ms`);
    } catch (error) {
      showLogs(libvirt.fleet);
      throw error;
    }
  });
});
