/**
 * What can go where under two real libvirtds, and every bad case with the one line that names the
 * thing and the remedy. One rig and few guests for all, since each takes seconds to boot.
 */
import { execFile, execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { checkLibvirt } from "#agent/cli/doctor/check-libvirt.ts";
import type { Check } from "#agent/cli/doctor/finding.ts";
import type { Config } from "#agent/config/config.ts";
import { domainXml } from "#agent/hypervisor/libvirt/domain-xml.ts";
import type { MoveOffer } from "#lib/model/host-op.ts";
import { type MoveId, moveIdOf } from "#lib/model/ids.ts";
import type { MoveNeeds } from "#lib/model/move-needs.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { BytePipe } from "../support/byte-pipe.ts";
import { eventually } from "../support/eventually.ts";
import { LibvirtHost, libvirtMissing } from "../support/libvirt-host.ts";
import { LibvirtRig, LOCAL_IMAGES } from "../support/libvirt-rig.ts";

const missing = libvirtMissing();
const BRIDGE = `ekbr${process.pid % 100_000}`;
const MIB = 1 << 20;
const limits = { bandwidthBytesPerSecond: 0, downtimeMs: 300, noProgressMs: 30_000 };

describe.skipIf(missing !== null)(`a libvirt domain (${missing ?? "installed"})`, () => {
  let rig: LibvirtRig;
  let moves = 0;
  const pipes: BytePipe[] = [];

  beforeAll(async () => {
    rig = await LibvirtRig.make();
  });
  afterEach(async () => {
    for (const pipe of pipes.splice(0)) await pipe.close();
  });
  afterAll(async () => {
    await rig?.close();
  });

  const nextMove = (vm: string): MoveId => {
    moves += 1;
    return moveIdOf(vm, moves, moves.toString(16).padStart(16, "0"));
  };

  /** As an admin does: defined and started with virsh, its policy and disks in nobody's spec. */
  function startByHand(spec: VmSpec, change: (xml: string) => string = (xml) => xml): VmSpec {
    const path = join(rig.folder, `${spec.name}.xml`);
    const xml = domainXml({ spec, accelerator: "tcg", cpuModel: null });
    writeFileSync(path, change(xml.replace(/<metadata>.*<\/metadata>/, "")));
    rig.hosts.source.virsh("define", path);
    rig.hosts.source.virsh("start", spec.name);
    return { ...spec, disks: [] };
  }

  async function countsOn(vm: string): Promise<void> {
    const before = await rig.count(vm);
    await eventually(`${vm} counts on`, async () => (await rig.count(vm)) > before + 1);
    expect(await rig.countFault(vm)).toBeNull();
  }

  async function prepared(spec: VmSpec): Promise<{ moveId: MoveId; pipe: BytePipe }> {
    const moveId = nextMove(spec.name);
    const offer = await rig.source.offer(moveId, spec);
    expect(await rig.target.admit(moveId, offer)).toEqual({ refusal: null });
    const door = await rig.target.prepareIncoming(moveId, spec);
    const path = rig.source.outgoingDoor(moveId).socketPath ?? "";
    const pipe = await BytePipe.open(path, door);
    pipes.push(pipe);
    return { moveId, pipe };
  }

  function sent(spec: VmSpec, moveId: MoveId, bandwidthBytesPerSecond = 0) {
    const { signal } = new AbortController();
    const given = { ...limits, bandwidthBytesPerSecond };
    const socketPath = rig.source.outgoingDoor(moveId).socketPath ?? "";
    const order = { moveId, vm: spec.name, socketPath, limits: given, progressed: () => {} };
    const received = rig.target.awaitIncoming(moveId, spec.name, signal);
    const end = rig.source.migrateOut(order, signal);
    received.catch(() => {});
    end.catch(() => {});
    return { received, end };
  }

  const refusal = async (moveId: MoveId, offer: MoveOffer) =>
    (await rig.target.admit(moveId, offer)).refusal ?? "it is admitted";
  const lineOf = async (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => "it succeeded",
      (error: Error) => error.message,
    );

  describe("with a disk that both hosts see", () => {
    const qcow2 = () => join(rig.folder, "disk.qcow2");
    let spec: VmSpec;

    beforeAll(async () => {
      execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", qcow2(), "64M"]);
      const { kernel, ...plain } = rig.spec("disk");
      if (kernel === null) throw new Error("the lab guest boots a kernel");
      const cmdline = `${kernel.cmdline} disk=1`;
      const disks = [{ path: qcow2(), format: "qcow2" as const }];
      // libvirt's usual cache mode, which it moves on network file systems only.
      const usual = (xml: string) => xml.replace(" cache='none'", "");
      spec = startByHand({ ...plain, kernel: { ...kernel, cmdline }, disks }, usual);
      await countsOn("disk");
    });

    it("is tied to its host by snapshots and block jobs, and explain has the line", async () => {
      const virsh = (...words: string[]) => rig.hosts.source.virsh(...words);
      const obstacle = async () => lineOf(rig.source.offer(nextMove("disk"), spec));
      virsh("snapshot-create-as", "disk", "before");
      expect(await obstacle()).toMatch(/disk cannot be moved: it has snapshots \(before\).*delete/);
      expect((await rig.source.list())[0]?.obstacle).toMatch(/snapshots/);
      virsh("snapshot-delete", "disk", "before");
      virsh("blockcopy", "disk", "vda", join(rig.folder, "aside.qcow2"), "--transient-job");
      expect(await obstacle()).toMatch(/disk vda is being copied \(copy\).*blockjob --abort/);
      virsh("blockjob", "disk", "vda", "--abort");
      await eventually("nothing is in its way", async () => {
        return (await rig.source.list())[0]?.obstacle === undefined;
      });
    });

    it("is refused where an image, a network, huge pages or the processor is missing", async () => {
      const moveId = nextMove("disk");
      const offer = await rig.source.offer(moveId, spec);
      const { needs } = offer;
      if (!needs?.cpu) throw new Error("libvirt says what the guest has");
      expect(needs.disks).toEqual([qcow2()]);
      expect(await refusal(moveId, offer)).toBe("it is admitted");
      const lacking = (more: Partial<MoveNeeds>) =>
        refusal(moveId, { ...offer, needs: { ...needs, ...more } });
      const features = [...needs.cpu.features, "avx512f"];
      expect(await lacking({ cpu: { ...needs.cpu, features } })).toMatch(
        /host does not provide required features: avx512f: .*cpu-baseline/,
      );
      expect(await lacking({ networks: ["nowhere"] })).toMatch(/no network nowhere here: virsh/);
      const memoryBytes = 2 ** 45;
      const hugepages = [{ pageBytes: 2 * MIB, memoryBytes }];
      expect(await lacking({ hugepages })).toMatch(/huge pages of 2048 KiB.*vm\.nr_hugepages/);
      expect(await refusal(moveId, { ...offer, machineType: "pc-q35-99.0" })).toMatch(/pc-q35-99/);
      renameSync(qcow2(), `${qcow2()}.away`);
      expect(await refusal(moveId, offer)).toMatch(/disk\.qcow2 is not here: share its folder/);
      renameSync(`${qcow2()}.away`, qcow2());
    });

    it("stays and runs on when there is no room for its memory", async () => {
      const folder = "/var/lib/libvirt/qemu/save";
      const inside = (...words: string[]) => {
        const [file = "", ...args] = [...rig.hosts.source.enter, ...words];
        execFileSync(file, args);
      };
      inside("mkdir", "-p", folder);
      inside("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder);
      expect(await lineOf(rig.source.suspendVm(spec))).toMatch(/No space left.*free space/);
      inside("umount", folder);
      await countsOn("disk");
    });

    it("moves, and QEMU's lock on the image with it", async () => {
      const { moveId } = await prepared(spec);
      const { received, end } = sent(spec, moveId);
      await received;
      expect((await end).end).toBe("handed");
      await rig.target.runIncoming(moveId, "disk");
      await rig.source.discard(moveId, "disk");
      await countsOn("disk");
      expect(rig.hosts.source.guestPid("disk")).toBeUndefined();
      const look = () => execFileSync("qemu-img", ["check", "-q", qcow2()], { stdio: "pipe" });
      expect(look).toThrow(/lock/);
      await rig.target.stopVm("disk", true);
      expect(look).not.toThrow();
    });
  });

  describe("with a disk on its host's own storage", () => {
    const path = (vm: string) => `${LOCAL_IMAGES}/${vm}.qcow2`;
    const seen = (side: "source" | "target", vm: string) => rig.hosts[side].seen(path(vm));
    const isThere = (side: "source" | "target", vm: string) => existsSync(seen(side, vm));

    beforeAll(() => {
      for (const side of ["source", "target"] as const) {
        mkdirSync(rig.hosts[side].seen(LOCAL_IMAGES), { recursive: true });
      }
    });

    async function started(vm: string): Promise<VmSpec> {
      const image = seen("source", vm);
      execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", image, "128M"]);
      execFileSync("qemu-io", ["-c", "write -P 7 0 48M", image], { stdio: "pipe" });
      const disks = [{ path: path(vm), format: "qcow2" as const }];
      const spec = startByHand({ ...rig.spec(vm), disks });
      await countsOn(vm);
      return spec;
    }

    async function begun(spec: VmSpec, bandwidthBytesPerSecond = 0) {
      const moveId = nextMove(spec.name);
      const offer = await rig.source.offer(moveId, spec);
      expect(offer.needs).toMatchObject({ disks: [], copies: [{ sizeBytes: 128 * MIB }] });
      expect(await rig.target.admit(moveId, offer)).toEqual({ refusal: null });
      const door = await rig.target.prepareIncoming(moveId, spec);
      const { socketPath, diskSocketPath } = rig.source.outgoingDoor(moveId);
      const pipe = await BytePipe.open(socketPath ?? "", door);
      const disk = await BytePipe.open(diskSocketPath ?? "", { socketPath: door.diskPath ?? "" });
      pipes.push(pipe, disk);
      return { moveId, pipe, disk, ...sent(spec, moveId, bandwidthBytesPerSecond) };
    }

    it("takes it along, and leaves no image behind once it runs there", async () => {
      const spec = await started("local");
      const copiedBytes = (await rig.source.list()).find(({ vm }) => vm === "local")?.copiedBytes;
      expect(copiedBytes).toBeGreaterThan(48 * MIB);
      const { moveId, received, end } = await begun(spec);
      await received;
      expect((await end).end).toBe("handed");
      expect(isThere("source", "local")).toBe(true);
      await rig.target.runIncoming(moveId, "local");
      await rig.source.discard(moveId, "local");
      expect(isThere("source", "local")).toBe(false);
      await countsOn("local");
      // A discard that comes late takes nothing from a VM that runs.
      await rig.source.discard(moveId, "local");
      await rig.target.stopVm("local", true);
      await rig.target.discard(moveId, "local");
      const read = ["-r", "-c", "read -P 7 0 48M", seen("target", "local")];
      expect(execFileSync("qemu-io", read, { encoding: "utf8" })).not.toMatch(/failed/);
    });

    it("stays whole where it is when its target dies or is cut off in the middle", async () => {
      const spec = await started("broken");
      const strikes = {
        "the target's guest is killed": () => rig.hosts.target.killGuest("broken"),
        "the channel is cut": ({ pipe, disk }: { pipe: BytePipe; disk: BytePipe }) => {
          disk.cut();
          pipe.cut();
        },
      };
      for (const [what, strike] of Object.entries(strikes)) {
        const move = await begun(spec, 8 * MIB);
        await eventually("the disk flows", async () => move.disk.passedBytes > 4 * MIB);
        strike(move);
        expect(await lineOf(move.end), what).toMatch(
          /broken: the move .* failed and it stays here/,
        );
        await lineOf(move.received);
        expect(isThere("target", "broken")).toBe(true);
        await rig.target.discard(move.moveId, "broken");
        for (const pipe of pipes.splice(0)) await pipe.close();
        expect([isThere("source", "broken"), isThere("target", "broken")]).toEqual([true, false]);
        expect(await rig.target.list()).toEqual([]);
        await countsOn("broken");
      }
    });

    it("is refused by a host that has an image there, or no room", async () => {
      const spec: VmSpec = { ...rig.spec("broken"), disks: [] };
      const admitted = async () => {
        const moveId = nextMove("broken");
        return refusal(moveId, await rig.source.offer(moveId, spec));
      };
      writeFileSync(seen("target", "broken"), "somebody's");
      expect(await admitted()).toMatch(/broken\.qcow2 is here already.*move it away/);
      rmSync(seen("target", "broken"));
      const folder = rig.hosts.target.seen(LOCAL_IMAGES);
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", folder]);
      try {
        expect(await admitted()).toMatch(/its disks need .* GiB, and .* are free.*free space/);
      } finally {
        execFileSync("umount", [folder]);
      }
      rig.hosts.source.killGuest("broken");
    });
  });

  it("on a bridge is refused by a host that has none of that name", async () => {
    execFileSync("ip", ["link", "add", "name", BRIDGE, "type", "bridge"]);
    try {
      const network = { kind: "bridge", bridge: BRIDGE, mac: "52:54:00:12:34:57" } as const;
      const spec = startByHand({ ...rig.spec("bridged"), network });
      const moveId = nextMove("bridged");
      const offer = await rig.source.offer(moveId, { ...spec, network: { kind: "none" } });
      expect(offer.needs?.bridges).toEqual([BRIDGE]);
      expect(await refusal(moveId, offer)).toBe("it is admitted");
      execFileSync("ip", ["link", "delete", "dev", BRIDGE]);
      expect(await refusal(moveId, offer)).toMatch(
        new RegExp(`this host has no bridge ${BRIDGE}: ip link add`),
      );
    } finally {
      rig.hosts.source.killGuest("bridged");
      execFileSync("sh", ["-c", `ip link delete dev ${BRIDGE} 2>/dev/null || true`]);
    }
  });

  it("that is undefined in the middle of its move arrives all the same, once", async () => {
    const spec = rig.spec("torn");
    await rig.source.startVm(spec);
    await countsOn("torn");
    const { moveId, pipe } = await prepared(spec);
    const { received, end } = sent(spec, moveId, 16 * MIB);
    await eventually("memory flows", async () => pipe.passedBytes > MIB);
    // Beside this process, through which the daemons talk: libvirt has it wait for the move's end.
    const words = ["-c", rig.hosts.source.uri, "undefine", "torn"];
    const undefining = lineOf(promisify(execFile)("virsh", words));
    await received;
    expect((await end).end).toBe("handed");
    expect(await undefining).toMatch(/Domain not found/);
    expect(await rig.source.moveVerdict(moveId, "torn")).toBe("committed");
    await rig.target.runIncoming(moveId, "torn");
    await rig.source.discard(moveId, "torn");
    await countsOn("torn");
    expect(rig.hosts.source.guestPid("torn")).toBeUndefined();
    await rig.target.stopVm("torn", true);
  });

  it("is not to be had with less than the daemon's permission, and the line says who may", async () => {
    // virsh as a user whom libvirtd's socket does not let in.
    const virsh = join(rig.folder, "virsh-as-nobody");
    const run = "setpriv --reuid=65534 --regid=65534 --clear-groups /usr/bin/virsh";
    writeFileSync(virsh, `#!/bin/sh\nexec ${run} "$@"\n`);
    chmodSync(virsh, 0o755);
    const driver = rig.driverWith("source", { virsh });
    expect(await lineOf(driver.start())).toMatch(
      /Permission denied: .*put its user into the group/,
    );
    await driver.stop();
  });

  it("would wait in its moves for a name server that is silent, and doctor has the line", async () => {
    const silent = createSocket("udp4");
    const address = `127.53.${(process.pid >> 8) & 255}.${process.pid & 255}`;
    silent.bind(53, address);
    await once(silent, "listening");
    const folder = join(rig.folder, "nameless");
    const host = new LibvirtHost({ folder, name: "ek-nameless", nameServer: address });
    const nameOf = async ({ uri }: LibvirtHost) => {
      const config = { hypervisor: { driver: "libvirt", uri } } as Config;
      const scene = { config, agentUser: null } as Parameters<Check>[0];
      const findings = await checkLibvirt(scene);
      return findings.find(({ check }) => check === "libvirt host name");
    };
    try {
      await host.start();
      expect(await nameOf(host)).toMatchObject({ level: "fail" });
      expect(await nameOf(rig.hosts.source)).toMatchObject({ level: "ok" });
    } finally {
      await host.close();
      silent.close();
    }
  });

  it("is out of reach while libvirtd is down, at the start and later, and back with it", async () => {
    const spec = rig.spec("late");
    await rig.hosts.source.killDaemon();
    const down = /libvirtd does not answer: start it \(systemctl start libvirtd\)/;
    expect(await lineOf(rig.source.startVm(spec))).toMatch(down);
    const driver = rig.driverWith("source", {});
    expect(await lineOf(driver.start())).toMatch(down);
    await driver.stop();
    await rig.hosts.source.start();
    await eventually("it is asked again", async () => (await rig.source.list()).length >= 0);
    await rig.source.startVm(spec);
    await rig.source.stopVm("late", true);
  });
});
