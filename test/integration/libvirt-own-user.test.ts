/**
 * Agents without a single right of root's, and one that is root: three real libvirtds, agent and
 * QEMU each a user of its own. A cluster is changed over host by host.
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { showLogs } from "../support/fleet-in-test.ts";
import { LibvirtFleet } from "../support/libvirt-fleet.ts";
import { libvirtMissing } from "../support/libvirt-host.ts";

const missing = libvirtMissing();

describe.skipIf(missing !== null)(
  `agents as users of their own (${missing ?? "all there"})`,
  () => {
    let libvirt: LibvirtFleet;

    beforeAll(async () => {
      libvirt = await LibvirtFleet.make({ count: 3, ownUsers: 2 });
    });
    afterAll(() => libvirt?.close());

    it("save a guest, give it to root and take it back, without losing a count", async () => {
      const [first, second] = [libvirt.fleet.host(1), libvirt.fleet.host(2)];
      try {
        for (const { pid } of [first, second]) {
          const status = readFileSync(`/proc/${pid}/status`, "latin1");
          expect(status).toMatch(/^Uid:\t(?!0\t)/m);
          expect(status).toMatch(/^CapEff:\t0+$/m);
        }
        await libvirt.boot("web", 1);
        await first.api.post("/v1/vms/web/suspend");
        await first.api.post("/v1/vms/web/resume");
        await libvirt.counts("web");
        await second.api.post("/v1/vms/web/set", { priority: 70 });
        await libvirt.order("web", 1, 3);
        await libvirt.movesEnd("web", 1);
        await libvirt.counts("web");
        await libvirt.order("web", 3, 1);
        await libvirt.movesEnd("web", 2);
        await libvirt.counts("web");
        const { lost, repeated } = await libvirt.serial("web");
        expect({ lost, repeated }).toEqual({ lost: [], repeated: [] });
        expect(libvirt.processes("web")).toEqual([1]);
      } catch (error) {
        showLogs(libvirt.fleet);
        throw error;
      }
    });

    it("say which folder they may not write in, and copy a disk to their like once they may", async () => {
      const { api } = libvirt.fleet.host(1);
      try {
        const path = libvirt.makeLocalImage("disky.qcow2", 1, 8);
        await libvirt.bootByHand("disky", 1, [{ path, format: "qcow2" }]);
        await api.post("/v1/vms", libvirt.spec("disky"));
        const obstacle = async () =>
          (await api.vms()).find(({ name }) => name === "disky")?.immovable ?? null;
        const isTold = async () =>
          /may not write in \S+\/images: chown \d+ \S+\/images,/.test((await obstacle()) ?? "");
        await eventually("what keeps it here is told, with the remedy", isTold);
        libvirt.giveLocalImages();
        // What happens to a domain has it looked at anew.
        libvirt.hosts[0]?.virsh("desc", "disky", "--live", "its folder is the agent's");
        await libvirt.order("disky", 1, 2);
        await libvirt.movesEnd("disky", 1);
        await libvirt.counts("disky");
        expect(libvirt.processes("disky")).toEqual([2]);
        await eventually("the source's image is gone", async () => !libvirt.hosts[0]?.has(path));
        const { lost, repeated } = await libvirt.serial("disky");
        expect({ lost, repeated }).toEqual({ lost: [], repeated: [] });
      } catch (error) {
        showLogs(libvirt.fleet);
        throw error;
      }
    });
  },
);
