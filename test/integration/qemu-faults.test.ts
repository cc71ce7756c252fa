import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { QemuDriver } from "#agent/hypervisor/qemu/qemu-driver.ts";
import { SystemClock } from "#agent/os/system-clock.ts";
import type { CopyState } from "#lib/model/copy.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { eventually } from "../support/eventually.ts";
import { countsOn, nextMoveId, prepareMove, sendOut, transfer } from "../support/qemu-move.ts";
import { QemuRig } from "../support/qemu-rig.ts";

const isRoot = process.getuid?.() === 0;
const MID_TRANSFER_BYTES = 1 << 20;

let rig: QemuRig;

beforeEach(async () => {
  rig = await QemuRig.make();
});

afterEach(async () => {
  await rig.close();
});

async function started(vm: string): Promise<VmSpec> {
  const spec = rig.spec(vm);
  await rig.source.startVm(spec);
  await countsOn(rig, vm);
  return spec;
}

async function stateOn(side: "source" | "target"): Promise<CopyState | undefined> {
  return (await rig[side].list())[0]?.state;
}

const recordPath = (vm: string) => join(rig.stateDirectory("source"), "guests", vm, "guest.json");

function rewriteRecord(vm: string, change: object): void {
  const record = JSON.parse(readFileSync(recordPath(vm), "utf8"));
  writeFileSync(recordPath(vm), JSON.stringify({ ...record, ...change }));
}

describe("a transferred move", () => {
  it("survives the death of the source's QEMU", async () => {
    const spec = await started("gone");
    const moveId = await transfer(rig, spec);
    process.kill(await rig.pidOf("source", "gone"), "SIGKILL");
    await eventually("the source is gone", async () => (await stateOn("source")) === undefined);
    expect(await rig.source.moveVerdict(moveId, "gone")).toBe("gone");
    await rig.source.discard(moveId, "gone");
    await rig.target.runIncoming(moveId, "gone");
    await countsOn(rig, "gone");
  });

  it("does not stop another that starts from where it ended", async () => {
    const spec = await started("again");
    const there = await transfer(rig, spec);
    await rig.target.runIncoming(there, "again");
    await rig.source.discard(there, "again");
    const { source, target } = rig;
    [rig.source, rig.target] = [target, source];
    const back = await transfer(rig, spec);
    expect(await rig.source.list()).toEqual([{ vm: "again", state: "sent", moveId: back }]);
    await rig.target.runIncoming(back, "again");
    await rig.source.discard(there, "again");
    expect(await stateOn("source")).toBe("sent");
    await rig.source.discard(back, "again");
    await countsOn(rig, "again");
    [rig.source, rig.target] = [source, target];
  });
});

describe("a target's QEMU that is stopped in mid-transfer", () => {
  it("makes the source give up, and can still be discarded", async () => {
    const spec = await started("stuck");
    const { moveId, pipe } = await prepareMove(rig, spec);
    process.kill(await rig.pidOf("target", "stuck"), "SIGSTOP");
    await expect(sendOut(rig, moveId, pipe, 500)).rejects.toMatchObject({ code: "NO_PROGRESS" });
    expect(await stateOn("source")).toBe("running");
    await rig.target.discard(moveId, "stuck");
    expect(await rig.target.list()).toEqual([]);
    await pipe.close();
    await countsOn(rig, "stuck");
  });
});

describe("an agent that died", () => {
  it("before it wrote a process down leaves one that the next finds by its command line", async () => {
    await started("stray");
    await rig.source.stop();
    rewriteRecord("stray", { process: { pid: 0, startTicks: 0 } });
    await rig.restartAgent("source");
    expect(await stateOn("source")).toBe("running");
    await rig.source.stopVm("stray", true);
    expect(await rig.source.list()).toEqual([]);
  });

  it("in mid-suspend leaves a guest that runs on", async () => {
    await started("halfway");
    await rig.source.stop();
    rewriteRecord("halfway", { role: "suspending" });
    await rig.restartAgent("source");
    expect(await stateOn("source")).toBe("running");
    expect(JSON.parse(readFileSync(recordPath("halfway"), "utf8")).role).toBe("own");
    await countsOn(rig, "halfway");
  });

  it("in mid-transfer leaves a source that runs on", async () => {
    const spec = await started("broken");
    const { moveId, pipe } = await prepareMove(rig, spec, {
      afterBytes: MID_TRANSFER_BYTES,
      act: "hold",
    });
    const sent = sendOut(rig, moveId, pipe);
    sent.catch(() => {});
    await eventually("bytes pass", async () => pipe.passedBytes >= MID_TRANSFER_BYTES);
    // The agent's own death takes its channel along.
    await rig.restartAgent("source");
    pipe.cut();
    expect(await rig.source.moveVerdict(moveId, "broken")).toBe("aborted");
    await expect(sent).rejects.toThrow();
    await rig.target.discard(moveId, "broken");
    await pipe.close();
    await countsOn(rig, "broken");
  });
});

describe("a broken spec", () => {
  const refused = (spec: VmSpec, words: RegExp) =>
    expect(rig.source.startVm(spec)).rejects.toMatchObject({
      code: "VM_SPEC",
      message: expect.stringMatching(words),
    });

  it("is refused with what is wrong, and leaves nothing behind", async () => {
    const spec = rig.spec("spec");
    const kernel = { path: "/etc/hostname", initrd: null, cmdline: "" };
    await refused({ ...spec, kernel }, /storage roots/);
    const link = join(rig.folder, "link");
    symlinkSync("/etc/hostname", link);
    await refused({ ...spec, kernel: { ...kernel, path: link } }, /storage roots/);
    await refused({ ...spec, kernel: { ...kernel, path: join(rig.folder, "no") } }, /ENOENT/);
    const network = { kind: "bridge", bridge: "br9", mac: "52:54:00:00:00:01" } as const;
    await refused({ ...spec, network }, /bridge br9/);
    await refused({ ...spec, memoryBytes: (96 << 20) + 1 }, /multiple/);
    expect(await rig.source.list()).toEqual([]);
  });

  it("that QEMU itself refuses comes back with QEMU's words", async () => {
    const path = join(rig.folder, "nonsense");
    writeFileSync(path, "this is no kernel");
    const spec = { ...rig.spec("nonsense"), kernel: { path, initrd: null, cmdline: "" } };
    await expect(rig.source.startVm(spec)).rejects.toMatchObject({
      code: "VM_PROCESS",
      message: expect.stringMatching(/kernel|nonsense/),
    });
    expect(await rig.source.list()).toEqual([]);
  });

  it("with a missing QEMU is one clear line", async () => {
    const driver = new QemuDriver({
      stateDirectory: join(rig.folder, "none"),
      storageRoots: [],
      bridges: [],
      qemuBinary: "qemu-system-nowhere",
      clock: new SystemClock(),
      log: { write() {} },
    });
    await expect(driver.start()).rejects.toMatchObject({
      code: "HYPERVISOR_MISSING",
      message: expect.stringMatching(/qemu-system-nowhere.*install/),
    });
  });
});

describe.runIf(isRoot)("a full disk", () => {
  const MOUNT_MIB = 100;

  async function onSmallDisk(test: (folder: string) => Promise<void>): Promise<void> {
    const folder = rig.stateDirectory("source");
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${MOUNT_MIB}M`, "tmpfs", folder]);
    try {
      await test(folder);
    } finally {
      await rig.source.stopVm("full", true);
      execFileSync("umount", [folder]);
    }
  }

  function fill(folder: string): string {
    const path = join(folder, "ballast");
    try {
      execFileSync("dd", ["if=/dev/zero", `of=${path}`, "bs=4k"], { stdio: "ignore" });
    } catch {
      // Ends when the disk is full, as it should.
    }
    return path;
  }

  it("refuses a start with what is missing", async () => {
    await onSmallDisk(async (folder) => {
      fill(folder);
      await expect(rig.source.startVm(rig.spec("full"))).rejects.toMatchObject({
        message: expect.stringMatching(/[Nn]o (space|room)/),
      });
      expect(await rig.source.list()).toEqual([]);
    });
  });

  it("lets a guest that cannot be suspended run on, and says so", async () => {
    await onSmallDisk(async (folder) => {
      const spec = await started("full");
      const ballast = fill(folder);
      await expect(rig.source.suspendVm(spec)).rejects.toMatchObject({
        code: "STORAGE",
        message: expect.stringMatching(/full.*runs on.*no space.*free space in/i),
      });
      expect(await stateOn("source")).toBe("running");
      await countsOn(rig, "full");
      rmSync(ballast);
      await rig.source.suspendVm(spec);
      await rig.source.resumeVm(spec);
      await countsOn(rig, "full");
    });
  });
});

describe("memory in a folder of its own", () => {
  it("is copied to the disk by a suspend, and never left behind", async () => {
    const other = await QemuRig.make({ memoryDirectory: join(rig.folder, "memory") });
    try {
      const spec = other.spec("apart");
      await other.source.startVm(spec);
      await countsOn(other, "apart");
      await other.source.suspendVm(spec);
      expect(memoryFiles()).toBe("");
      await other.source.resumeVm(spec);
      const moveId = await transfer(other, spec);
      await other.target.runIncoming(moveId, "apart");
      await other.source.discard(moveId, "apart");
      await countsOn(other, "apart");
      await other.target.stopVm("apart", true);
      expect(memoryFiles()).toBe("");
    } finally {
      await other.close();
    }
  });

  const memoryFiles = () =>
    execFileSync("ls", [join(rig.folder, "memory")], { encoding: "utf8" }).trim();
});

describe("moveVerdict()", () => {
  it("is in doubt about a paused copy of another move", async () => {
    const spec = await started("doubt");
    const moveId = await transfer(rig, spec);
    expect(await rig.source.moveVerdict(nextMoveId("doubt"), "doubt")).toBe("in-doubt");
    expect(await rig.target.moveVerdict(nextMoveId("doubt"), "doubt")).toBe("in-doubt");
    expect(await rig.target.moveVerdict(moveId, "doubt")).toBe("open");
  });
});

describe("a QEMU that loses memory in live migration", () => {
  /** Says that it is the old one; does what the installed one does. */
  function oldQemu(): string {
    const path = join(rig.folder, "old-qemu");
    const lie = '[ "$1" = --version ] && echo "QEMU emulator version 7.2.22" && exit 0';
    writeFileSync(path, `#!/bin/sh\n${lie}\nexec qemu-system-x86_64 "$@"\n`, { mode: 0o755 });
    return path;
  }

  it("moves a guest stopped, and says why", async () => {
    const other = await QemuRig.make({ qemuBinary: oldQemu(), accelerator: "tcg" });
    try {
      expect(other.source.facts().liveMigrationRefusal).toMatch(/7\.2\.22.*stopped/);
      const spec = other.spec("still");
      await other.source.startVm(spec);
      await countsOn(other, "still");
      const fault = { afterBytes: MID_TRANSFER_BYTES, act: "hold" } as const;
      const { moveId, pipe } = await prepareMove(other, spec, fault);
      const broken = sendOut(other, moveId, pipe);
      broken.catch(() => {});
      await eventually("bytes pass", async () => pipe.passedBytes >= MID_TRANSFER_BYTES);
      const before = await other.count("still");
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(await other.count("still")).toBe(before);
      pipe.cut();
      await expect(broken).rejects.toMatchObject({ code: "MIGRATION_FAILED" });
      await other.target.discard(moveId, "still");
      await countsOn(other, "still");
      await pipe.close();
      const again = await transfer(other, spec);
      await other.target.runIncoming(again, "still");
      await other.source.discard(again, "still");
      await countsOn(other, "still");
    } finally {
      await other.close();
    }
  });
});
