/**
 * The one suite that every hypervisor driver passes: sim, qemu, libvirt.
 *
 * A rig gives it two hosts. It drives them through the port alone, carries the migration stream
 * itself, and asks the rig only what the port cannot tell: how far the guest's work has come and
 * whether it ever skipped, repeated or began anew.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { CopyState } from "#lib/model/copy.ts";
import type { TransferLimits } from "#lib/model/host-op.ts";
import { type MoveId, moveIdOf, type VmName } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { BytePipe, type PipeFault } from "./byte-pipe.ts";
import type { ContractRig, Side } from "./contract-rig.ts";
import { eventually } from "./eventually.ts";

const limits: TransferLimits = {
  bandwidthBytesPerSecond: 0,
  downtimeMs: 300,
  noProgressMs: 20_000,
};
/** Slow enough that a transfer is still under way when a test interferes. */
const slow: TransferLimits = { ...limits, bandwidthBytesPerSecond: 2 << 20 };
const SOURCE_HOST = "SourceHost";
/** Bytes after which a stream is surely under way and surely not yet complete. */
const MID_TRANSFER_BYTES = 1 << 20;

/** The stable code that a call is rejected with. */
async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  return String((error as { code?: unknown } | undefined | null)?.code ?? "no error");
}

/** Declares the suite for one driver. `makeRig` is called once; each test uses VMs of its own. */
export function hypervisorContract(driver: string, makeRig: () => Promise<ContractRig>): void {
  describe(`${driver} keeps the hypervisor contract:`, () => {
    let rig: ContractRig;
    const vms: VmName[] = [];
    const pipes: BytePipe[] = [];
    let moves = 0;

    beforeAll(async () => {
      rig = await makeRig();
    });
    afterEach(async () => {
      for (const pipe of pipes.splice(0)) await pipe.close();
      for (const vm of vms.splice(0)) {
        for (const host of [rig.source, rig.target]) {
          await host.stopVm(vm, true);
          await host.forgetVm(vm);
        }
      }
    });
    afterAll(async () => {
      await rig?.close();
    });

    function newVm(name: VmName): VmSpec {
      vms.push(name);
      return rig.spec(name);
    }

    async function started(name: VmName): Promise<VmSpec> {
      const spec = newVm(name);
      await rig.source.startVm(spec);
      await works(name);
      return spec;
    }

    /** Resolves when the guest has counted on from where it was. */
    async function works(vm: VmName): Promise<void> {
      const before = await rig.count(vm);
      await eventually(`${vm} counts on from ${before}`, async () => {
        return (await rig.count(vm)) > before + 1;
      });
      expect(await rig.countFault(vm)).toBeNull();
    }

    async function stateOn(side: Side, vm: VmName): Promise<CopyState | undefined> {
      return (await rig[side].list()).find((copy) => copy.vm === vm)?.state;
    }

    function nextMove(vm: VmName): MoveId {
      moves += 1;
      return moveIdOf(vm, moves, moves.toString(16).padStart(16, "0"));
    }

    /** Everything of a move up to the stream: granted, received, the pipe laid. */
    async function prepared(spec: VmSpec, fault?: PipeFault) {
      const moveId = nextMove(spec.name);
      const offer = await rig.source.offer(moveId, spec);
      expect(await rig.target.admit(moveId, offer)).toEqual({ refusal: null });
      const door = await rig.target.prepareIncoming(moveId, spec, SOURCE_HOST);
      const path = rig.source.outgoingDoor(moveId).socketPath ?? rig.socketPath(`p${moves}`);
      const pipe = await BytePipe.open(path, door, fault);
      pipes.push(pipe);
      return { moveId, pipe };
    }

    function sending(moveId: MoveId, pipe: BytePipe, given: TransferLimits = limits) {
      const vm = moveId.slice(0, moveId.indexOf("."));
      const progress: number[] = [];
      const incoming = new AbortController();
      const sent = rig.source.migrateOut(
        {
          moveId,
          vm,
          socketPath: pipe.path,
          limits: given,
          progressed: (p) => progress.push(p.transferredBytes),
        },
        new AbortController().signal,
      );
      const received = rig.target.awaitIncoming(moveId, vm, incoming.signal);
      // Both may reject before a test looks at them.
      sent.catch(() => {});
      received.catch(() => {});
      return { sent, received, progress, incoming };
    }

    async function transferred(spec: VmSpec) {
      const { moveId, pipe } = await prepared(spec);
      const { sent, received } = sending(moveId, pipe);
      await received;
      await sent;
      return moveId;
    }

    /** What is left at the source of a move that was transferred. */
    const sentCopies = (vm: VmName, moveId: MoveId) =>
      rig.handsOver ? [] : [{ vm, state: "sent", moveId }];
    const sentVerdict = () => (rig.handsOver ? "committed" : "open");

    const passed = (pipe: BytePipe, bytes: number) =>
      eventually(`${bytes} bytes pass`, async () => pipe.passedBytes >= bytes);

    describe("a guest's life", () => {
      it("startVm() runs a guest, which list() and usage() show", async () => {
        const { name } = await started("life");
        expect(await rig.source.list()).toMatchObject([
          { vm: name, state: "running", moveId: null },
        ]);
        const usage = (await rig.source.usage()).find((entry) => entry.vm === name);
        expect(usage?.cpuTimeNs).toBeGreaterThan(0);
        expect(usage?.residentBytes).toBeGreaterThan(0);
        expect(await rig.target.list()).toEqual([]);
      });

      it("startVm() refuses a second copy of a VM", async () => {
        const spec = await started("twice");
        expect(await codeOf(rig.source.startVm(spec))).toBe("VM_EXISTS");
        await works(spec.name);
      });

      it("stopVm() ends the guest and may be repeated", async () => {
        const { name } = await started("stop");
        await rig.source.stopVm(name, false);
        expect(await rig.source.list()).toEqual([]);
        await rig.source.stopVm(name, true);
      });

      it("watch() calls after a start and after a kill, until it is stopped", async () => {
        let calls = 0;
        const unwatch = rig.source.watch(() => {
          calls += 1;
        });
        await started("watch");
        await eventually("a call after the start", async () => calls > 0);
        calls = 0;
        await rig.killCopy("source", "watch");
        await eventually("a call after the kill", async () => calls > 0);
        expect(await stateOn("source", "watch")).toBeUndefined();
        unwatch();
      });

      it("a guest outlives its agent and is found again", async () => {
        const spec = await started("found");
        await rig.restartAgent("source");
        expect(await stateOn("source", "found")).toBe("running");
        await works("found");
        expect(await codeOf(rig.source.startVm(spec))).toBe("VM_EXISTS");
        await rig.source.stopVm("found", true);
        expect(await rig.source.list()).toEqual([]);
      });
    });

    describe("a suspended image", () => {
      it("resumeVm() goes on where suspendVm() stopped", async () => {
        const spec = await started("nap");
        const { imageBytes } = await rig.source.suspendVm(spec);
        expect(imageBytes).toBeGreaterThan(0);
        expect(await rig.source.list()).toMatchObject([
          { vm: "nap", state: "suspended", moveId: null },
        ]);
        expect(await rig.source.usage()).toEqual([]);
        await rig.restartAgent("source");
        expect(await stateOn("source", "nap")).toBe("suspended");
        await rig.source.resumeVm(spec);
        expect(await stateOn("source", "nap")).toBe("running");
        await works("nap");
        await rig.source.suspendVm(spec);
        await rig.source.resumeVm(spec);
        await works("nap");
      });

      it("startVm() refuses to throw a good image away", async () => {
        const spec = await started("keep");
        await rig.source.suspendVm(spec);
        expect(await codeOf(rig.source.startVm(spec))).toBe("VM_EXISTS");
        expect(await stateOn("source", "keep")).toBe("suspended");
      });

      it("is stale, and never resumed, once it was consumed without a clean suspend", async () => {
        const spec = await started("stale");
        await rig.source.suspendVm(spec);
        await rig.source.resumeVm(spec);
        await rig.killCopy("source", "stale");
        expect(await stateOn("source", "stale")).toBe("stale");
        expect(await codeOf(rig.source.resumeVm(spec))).toBe("IMAGE_STALE");
        await rig.restartAgent("source");
        expect(await codeOf(rig.source.resumeVm(spec))).toBe("IMAGE_STALE");
        await rig.source.startVm(spec);
        expect(await stateOn("source", "stale")).toBe("running");
      });

      it("forgetVm() removes it, and refuses while the guest runs", async () => {
        const spec = await started("forget");
        expect(await codeOf(rig.source.forgetVm("forget"))).toBe("VM_STATE");
        await rig.source.suspendVm(spec);
        await rig.source.forgetVm("forget");
        expect(await rig.source.list()).toEqual([]);
        expect(await codeOf(rig.source.resumeVm(spec))).not.toBe("no error");
      });
    });

    describe("a move", () => {
      it("carries a guest over without losing a count", async () => {
        const spec = await started("move");
        const { moveId, pipe } = await prepared(spec);
        expect(await stateOn("target", "move")).toBe("receiving");
        const { sent, received, progress } = sending(moveId, pipe);
        await received;
        const end = await sent;
        expect(end.transferredBytes).toBeGreaterThan(0);
        expect(end.pausedForMs).toBeGreaterThanOrEqual(0);
        expect(progress.length).toBeGreaterThan(0);
        expect(end.end).toBe(rig.handsOver ? "handed" : "sent");
        expect(await rig.source.list()).toEqual(sentCopies("move", moveId));
        expect(await rig.target.list()).toMatchObject([{ vm: "move", state: "received", moveId }]);
        expect(await rig.source.moveVerdict(moveId, "move")).toBe(sentVerdict());
        expect(await rig.target.moveVerdict(moveId, "move")).toBe("open");
        await rig.target.runIncoming(moveId, "move");
        expect(await rig.target.moveVerdict(moveId, "move")).toBe("aborted");
        await rig.source.discard(moveId, "move");
        expect(await rig.source.moveVerdict(moveId, "move")).toBe("gone");
        expect(await rig.source.list()).toEqual([]);
        expect(await stateOn("target", "move")).toBe("running");
        await works("move");
        await rig.target.runIncoming(moveId, "move");
        await works("move");
      });

      it("takeBack() runs the source on when the target's copy is killed, if it is still there", async () => {
        const spec = await started("back");
        for (let time = 0; time < 3; time += 1) {
          const moveId = await transferred(spec);
          if (rig.handsOver) {
            expect(await codeOf(rig.source.takeBack(moveId, "back"))).toBe("VM_ABSENT");
            return;
          }
          await rig.target.discard(moveId, "back");
          await rig.source.takeBack(moveId, "back");
          expect(await stateOn("source", "back")).toBe("running");
          expect(await rig.source.moveVerdict(moveId, "back")).toBe("aborted");
          await rig.source.takeBack(moveId, "back");
          await works("back");
        }
      });

      it("whose stream breaks leaves the source running and the target failed", async () => {
        const spec = await started("cut");
        const fault = { afterBytes: MID_TRANSFER_BYTES, act: "cut" } as const;
        const { moveId, pipe } = await prepared(spec, fault);
        const { sent, received } = sending(moveId, pipe);
        expect(await codeOf(sent)).toBe("MIGRATION_FAILED");
        expect(await codeOf(received)).not.toBe("no error");
        expect(await stateOn("source", "cut")).toBe("running");
        expect(await rig.source.moveVerdict(moveId, "cut")).toBe("aborted");
        await rig.target.discard(moveId, "cut");
        expect(await rig.target.list()).toEqual([]);
        await works("cut");
        const again = await transferred(spec);
        await rig.target.runIncoming(again, "cut");
        await rig.source.discard(again, "cut");
        await works("cut");
      });

      it("that makes no headway is given up with its reason", async () => {
        const spec = await started("held");
        const fault = { afterBytes: MID_TRANSFER_BYTES, act: "hold" } as const;
        const { moveId, pipe } = await prepared(spec, fault);
        const { sent } = sending(moveId, pipe, { ...limits, noProgressMs: 600 });
        expect(await codeOf(sent)).toBe("NO_PROGRESS");
        expect(await rig.source.moveVerdict(moveId, "held")).toBe("aborted");
        await rig.target.discard(moveId, "held");
        await works("held");
      });

      it("cancelMigration() runs the source on, and does nothing without a transfer", async () => {
        const spec = await started("cancel");
        const { moveId, pipe } = await prepared(spec);
        const { sent } = sending(moveId, pipe, slow);
        await passed(pipe, MID_TRANSFER_BYTES);
        expect(await stateOn("source", "cancel")).toBe("sending");
        await rig.source.cancelMigration("cancel");
        expect(await codeOf(sent)).toBe("MIGRATION_CANCELLED");
        expect(await stateOn("source", "cancel")).toBe("running");
        await rig.source.cancelMigration("cancel");
        await rig.target.discard(moveId, "cancel");
        await works("cancel");
      });

      it("awaitIncoming() stops waiting when told to", async () => {
        const spec = await started("wait");
        const { moveId, pipe } = await prepared(spec);
        const { sent, received, incoming } = sending(moveId, pipe, slow);
        await passed(pipe, MID_TRANSFER_BYTES);
        incoming.abort(new Error("enough"));
        expect(await codeOf(received)).not.toBe("no error");
        await rig.target.discard(moveId, "wait");
        expect(await codeOf(sent)).toBe("MIGRATION_FAILED");
        await works("wait");
      });

      it("whose source is killed in mid-transfer leaves nothing to run", async () => {
        const spec = await started("killed");
        const { moveId, pipe } = await prepared(spec);
        const { sent, received } = sending(moveId, pipe, slow);
        await passed(pipe, MID_TRANSFER_BYTES);
        await rig.killCopy("source", "killed");
        expect(await codeOf(sent)).not.toBe("no error");
        expect(await codeOf(received)).not.toBe("no error");
        expect(await rig.source.moveVerdict(moveId, "killed")).toBe("gone");
        expect(await codeOf(rig.target.runIncoming(moveId, "killed"))).not.toBe("no error");
      });

      it("outlives both agents once it is transferred", async () => {
        const moveId = await transferred(await started("orphan"));
        for (const side of ["source", "target"] as const) await rig.restartAgent(side);
        expect(await rig.source.list()).toEqual(sentCopies("orphan", moveId));
        expect(await rig.target.list()).toMatchObject([
          { vm: "orphan", state: "received", moveId },
        ]);
        expect(await rig.source.moveVerdict(moveId, "orphan")).toBe(sentVerdict());
        expect(await rig.target.moveVerdict(moveId, "orphan")).toBe("open");
        await rig.target.runIncoming(moveId, "orphan");
        await rig.source.discard(moveId, "orphan");
        await works("orphan");
      });

      it("discard() kills the copy of its own move only, and may be repeated", async () => {
        const spec = await started("discard");
        const other = nextMove("discard");
        await rig.source.discard(other, "discard");
        expect(await stateOn("source", "discard")).toBe("running");
        const { moveId } = await prepared(spec);
        await rig.target.discard(other, "discard");
        expect(await stateOn("target", "discard")).toBe("receiving");
        await rig.target.discard(moveId, "discard");
        await rig.target.discard(moveId, "discard");
        expect(await rig.target.list()).toEqual([]);
        await works("discard");
      });

      it("is refused where a copy or another hypervisor version stands in the way", async () => {
        const spec = await started("refuse");
        const moveId = nextMove("refuse");
        const offer = await rig.source.offer(moveId, spec);
        expect((await rig.source.admit(moveId, offer)).refusal).toMatch(/refuse/);
        const later = { ...offer, hypervisorVersion: "999.1.0" };
        expect((await rig.target.admit(moveId, later)).refusal).toMatch(/999\.1\.0/);
        const second = rig.source.prepareIncoming(moveId, spec, SOURCE_HOST);
        expect(await codeOf(second)).toBe("VM_EXISTS");
        await works("refuse");
      });
    });
  });
}
