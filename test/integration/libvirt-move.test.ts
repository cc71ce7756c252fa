/** The whole product on libvirt: real agents, real libvirtds, nothing set up between the hosts. */
import { execFileSync } from "node:child_process";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { policyNamespace } from "#agent/hypervisor/libvirt/policy-element.ts";
import type { VmAnswer } from "../support/agent-api.ts";
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
    const first = libvirt.fleet.host(1);
    try {
      await libvirt.boot("web", 1);
      const spent: number[] = [];
      for (const [from, to] of [
        [1, 2],
        [2, 1],
      ] as const) {
        await libvirt.order("web", from, to);
        const beganMs = performance.now();
        await libvirt.movesEnd("web", spent.length + 1);
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

  it("go on from what an admin saved by hand, though an earlier image was used up", async () => {
    const first = libvirt.fleet.host(1);
    try {
      await libvirt.boot("nap", 1);
      await first.api.post("/v1/vms/nap/suspend");
      await first.api.post("/v1/vms/nap/resume");
      await libvirt.counts("nap");
      libvirt.hosts[0]?.virsh("managedsave", "nap");
      const isSuspended = async () =>
        (await first.api.vms()).some(({ name, state }) => name === "nap" && state === "suspended");
      await eventually("the agent sees it suspended", isSuspended);
      const started = await first.api.ask("/v1/vms/nap/start", {});
      expect(started.text).toMatch(/suspended/);
      await first.api.post("/v1/vms/nap/resume");
      await libvirt.counts("nap");
      const { lost, repeated } = await libvirt.serial("nap");
      expect({ lost, repeated }).toEqual({ lost: [], repeated: [] });
    } catch (error) {
      showLogs(libvirt.fleet);
      throw error;
    }
  });

  it("keep a VM's rules in libvirt's metadata and in the cluster alike, and take them along", async () => {
    const [first, second] = [libvirt.fleet.host(1), libvirt.fleet.host(2)];
    const metadata = (number: number, ...words: string[]) =>
      libvirt.hosts[number - 1]?.virsh("metadata", "web", "--uri", policyNamespace, ...words) ?? "";
    const write = (element: string, ...words: string[]) =>
      metadata(1, "--key", "evenkeel", "--set", element, ...words);
    const until = (what: string, fits: (vm: VmAnswer) => boolean) =>
      eventually(`web ${what} at the other host`, async () => {
        const web = (await second.api.vms()).find(({ name }) => name === "web");
        return web !== undefined && fits(web);
      });
    try {
      // By hand, into what runs alone, as virsh does when it is told nothing else.
      write("<policy priority='70' shutdown='suspend'/>");
      await until("has the rules of a hand", ({ policy }) => policy.priority === 70);
      // By the command, on the other host.
      await second.api.post("/v1/vms/web/set", { ignore: true, priority: null });
      for (const place of ["--live", "--config"]) {
        expect(metadata(1, place)).toMatch(
          /^<policy ignore="yes" shutdown="suspend" stamp="[0-9a-f]{8}"\/>/,
        );
      }
      write("<policy shutdown='reboot'/>");
      await until("is not moved by rules that cannot be read", ({ immovable, policy }) => {
        return immovable?.includes('shutdown: "reboot"') === true && policy.ignore;
      });
      await second.api.post("/v1/vms/web/set", { ignore: false });
      await until("may move again", ({ immovable }) => immovable === null);
      // Into the definition alone, as `virsh edit` does.
      write(`<policy pin='${second.name}' shutdown='suspend'/>`, "--config");
      await until("is pinned", ({ policy }) => policy.pin === second.name);
      await libvirt.order("web", 1, 2);
      await libvirt.movesEnd("web", 3);
      for (const place of ["--live", "--config"]) {
        expect(metadata(2, place)).toContain(`pin="${second.name}" shutdown="suspend"`);
      }
      const moved = { ignore: false, pin: second.name, shutdown: "suspend" };
      await eventually("the source knows the rules of what it gave away", async () => {
        const web = (await first.api.vms()).find(({ name }) => name === "web");
        return Object.entries(moved).every(([key, value]) => {
          return web?.policy[key as keyof typeof moved] === value;
        });
      });
    } catch (error) {
      showLogs(libvirt.fleet);
      throw error;
    }
  });

  it("copy a local disk along, and leave all as it was where the target's runs full", async () => {
    const [first, second] = [libvirt.hosts[0], libvirt.hosts[1]];
    const { api } = libvirt.fleet.host(1);
    if (!first || !second) throw new Error("there are two hosts");
    try {
      const path = libvirt.makeLocalImage("disky.qcow2", 1, 48);
      const onSecond = (...words: string[]) => {
        const [file = "", ...args] = [...second.enter, ...words];
        execFileSync(file, args, { stdio: "pipe" });
      };
      onSecond("mkdir", "-p", dirname(path));
      onSecond("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", dirname(path));
      await libvirt.bootByHand("disky", 1, [{ path, format: "qcow2" }]);
      await api.post("/v1/vms", libvirt.spec("disky"));
      await libvirt.order("disky", 1, 2);
      // There was room when the target was asked; now somebody else takes it.
      await eventually("the target has made the image", async () => second.has(path), {
        pollMs: 5,
      });
      onSecond("dd", "if=/dev/zero", `of=${dirname(path)}/other`, "bs=1M", "count=40");
      expect(await libvirt.moveFails("disky")).toMatch(/images ran full: free space there/);
      await libvirt.counts("disky");
      expect(libvirt.processes("disky")).toEqual([1]);
      await eventually("the image of the failed move is gone", async () => !second.has(path));
      onSecond("rm", `${dirname(path)}/other`);
      await libvirt.order("disky", 1, 2);
      await libvirt.movesEnd("disky", 1);
      await libvirt.counts("disky");
      expect(libvirt.processes("disky")).toEqual([2]);
      await eventually("the source's image is gone", async () => !first.has(path));
      const { lost, repeated } = await libvirt.serial("disky");
      expect({ lost, repeated }).toEqual({ lost: [], repeated: [] });
    } catch (error) {
      showLogs(libvirt.fleet);
      throw error;
    }
  });

  it("leave an admin's domain alone, and move it once it is defined here, too", async () => {
    const first = libvirt.fleet.host(1);
    try {
      await libvirt.bootByHand("hers", 1);
      expect((await first.api.status()).alarms).toEqual([]);
      expect((await first.api.vms()).map(({ name }) => name)).not.toContain("hers");
      await first.api.post("/v1/vms", libvirt.spec("hers"));
      await libvirt.order("hers", 1, 2);
      await libvirt.movesEnd("hers", 1);
      await libvirt.counts("hers");
      expect(libvirt.processes("hers")).toEqual([2]);
      const { lost, repeated } = await libvirt.serial("hers");
      expect({ lost, repeated }).toEqual({ lost: [], repeated: [] });
    } catch (error) {
      showLogs(libvirt.fleet);
      throw error;
    }
  });
});
