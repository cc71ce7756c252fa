import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { countsOn, nextMoveId, transfer } from "../support/qemu-move.ts";
import { QemuRig } from "../support/qemu-rig.ts";

/** Making a bridge and a tap takes root and the kernel's tun device. */
const hasBridges = process.getuid?.() === 0 && existsSync("/dev/net/tun");
const ip = (...args: string[]) => execFileSync("ip", args);
const DISK_SIZE = "16M";

let rig: QemuRig;

beforeEach(async () => {
  rig = await QemuRig.make();
});

afterEach(async () => {
  await rig.close();
});

function withCommandLine(spec: VmSpec, words: string): VmSpec {
  if (spec.kernel === null) throw new Error("the lab guest boots a kernel");
  return { ...spec, kernel: { ...spec.kernel, cmdline: `${spec.kernel.cmdline} ${words}` } };
}

function withDisk(vm: string, machine: VmSpec["machine"]): VmSpec {
  const path = join(rig.folder, `${vm}.qcow2`);
  execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", path, DISK_SIZE]);
  return {
    ...withCommandLine(rig.spec(vm), "disk=1"),
    machine,
    disks: [{ path, format: "qcow2" }],
  };
}

const proofs = () => readdirSync(rig.folder).filter((name) => name.includes(".evenkeel-"));

describe("a guest with a disk", () => {
  // Not microvm: without a PM timer its kernel cannot calibrate the TSC on a busy machine under TCG.
  it.each(["q35", "pc"] as const)("moves on a shared disk (%s)", async (machine) => {
    const spec = withDisk("disk", machine);
    await rig.source.startVm(spec);
    await countsOn(rig, "disk");
    expect(readFileSync(rig.serialPath("disk"), "utf8")).toMatch(/^disk 1\r?$/m);
    const moveId = await transfer(rig, spec);
    await rig.target.runIncoming(moveId, "disk");
    await rig.source.discard(moveId, "disk");
    await countsOn(rig, "disk");
    expect(proofs()).toEqual([]);
  });

  it("waits for the disk that a dying copy still holds", async () => {
    const spec = withDisk("lock", "q35");
    await rig.source.startVm(spec);
    await countsOn(rig, "lock");
    const moveId = await transfer(rig, spec);
    await rig.target.runIncoming(moveId, "lock");
    const back = rig.source.takeBack(moveId, "lock");
    await rig.target.discard(moveId, "lock");
    await back;
    expect((await rig.source.list())[0]?.state).toBe("running");
  });

  it("is refused by a host that does not see the same file", async () => {
    const spec = withDisk("private", "q35");
    await rig.source.startVm(spec);
    const moveId = nextMoveId("private");
    const offer = await rig.source.offer(moveId, spec);
    const copy = join(rig.folder, "copy.qcow2");
    copyFileSync(spec.disks[0]?.path ?? "", copy);
    const elsewhere = { ...spec, disks: [{ path: copy, format: "qcow2" as const }] };
    const { refusal } = await rig.target.admit(moveId, { ...offer, spec: elsewhere });
    expect(refusal).toMatch(/not shared/);
    const unproved = await rig.target.admit(moveId, { ...offer, storageNonce: null });
    expect(unproved.refusal).toMatch(/proves nothing/);
    expect(await rig.target.admit(moveId, offer)).toEqual({ refusal: null });
    expect(proofs()).toHaveLength(1);
    await rig.source.takeBack(moveId, "private");
    expect(proofs()).toEqual([]);
  });

  it("is not resumed when its disk was changed meanwhile", async () => {
    const spec = withDisk("changed", "pc");
    await rig.source.startVm(spec);
    await countsOn(rig, "changed");
    await rig.source.suspendVm(spec);
    execFileSync("qemu-img", ["resize", "-q", spec.disks[0]?.path ?? "", "32M"]);
    await expect(rig.source.resumeVm(spec)).rejects.toMatchObject({
      code: "IMAGE_STALE",
      message: expect.stringMatching(/disk changed\.qcow2 was changed/),
    });
    expect((await rig.source.list())[0]?.state).toBe("stale");
  });
});

describe("a guest with a network", () => {
  it.runIf(hasBridges)("is plugged into its bridge, and unplugged when it goes", async () => {
    const bridge = `ekbr${process.pid % 100_000}`;
    ip("link", "add", "name", bridge, "type", "bridge");
    const bridged = await QemuRig.make({ bridges: [bridge] });
    const plugged = () => readdirSync(`/sys/class/net/${bridge}/brif`);
    try {
      const network = { kind: "bridge", bridge, mac: "52:54:00:12:34:56" } as const;
      const spec: VmSpec = { ...bridged.spec("bridged"), machine: "q35", network };
      await bridged.source.startVm(spec);
      expect(plugged()).toEqual([expect.stringMatching(/^ek-[0-9a-f]{12}$/)]);
      await countsOn(bridged, "bridged");
      await bridged.source.suspendVm(spec);
      expect(plugged()).toEqual([]);
      await bridged.source.resumeVm(spec);
      expect(plugged()).toHaveLength(1);
      await bridged.source.stopVm("bridged", true);
      expect(plugged()).toEqual([]);
    } finally {
      await bridged.close();
      ip("link", "delete", "dev", bridge);
    }
  });

  it("answers through its forwarded port, also after a suspend and a resume", async () => {
    const port = await freePort();
    const spec: VmSpec = {
      ...withCommandLine(rig.spec("net"), "net=1 gip=10.0.2.15"),
      machine: "q35",
      network: { kind: "user", forwards: [{ protocol: "tcp", hostPort: port, guestPort: 80 }] },
    };
    const answer = () =>
      fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2_000) }).then(
        (response) => response.text(),
        () => "no answer",
      );
    await rig.source.startVm(spec);
    await eventually("an answer", async () => (await answer()) === "hello\n");
    await rig.source.suspendVm(spec);
    expect(await answer()).toBe("no answer");

    // Somebody else has the port: the resume fails, and the image is as good as before.
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(port, "127.0.0.1", resolve));
    await expect(rig.source.resumeVm(spec)).rejects.toMatchObject({
      code: "VM_PROCESS",
      message: expect.stringMatching(/host forwarding/i),
    });
    await new Promise((resolve) => squatter.close(resolve));
    expect((await rig.source.list())[0]?.state).toBe("suspended");

    await rig.source.resumeVm(spec);
    await eventually("an answer again", async () => (await answer()) === "hello\n");
    await countsOn(rig, "net");
  });
});
