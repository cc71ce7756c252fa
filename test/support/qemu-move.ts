import { type MoveId, moveIdOf } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { BytePipe, type PipeFault } from "./byte-pipe.ts";
import { eventually } from "./eventually.ts";
import type { QemuRig } from "./qemu-rig.ts";

let moves = 0;

export function nextMoveId(vm: string): MoveId {
  moves += 1;
  return moveIdOf(vm, moves, moves.toString(16).padStart(16, "0"));
}

/** A move from the rig's source to its target, up to the laid pipe. */
export async function prepareMove(rig: QemuRig, spec: VmSpec, fault?: PipeFault) {
  const moveId = nextMoveId(spec.name);
  const offer = await rig.source.offer(moveId, spec);
  const { refusal } = await rig.target.admit(moveId, offer);
  if (refusal !== null) throw new Error(refusal);
  const door = await rig.target.prepareIncoming(moveId, spec, "SourceHost");
  const pipe = await BytePipe.open(rig.socketPath(`m${moves}`), door, fault);
  return { moveId, pipe };
}

/** Transfers until both ends say so: sent here, received there. */
export async function transfer(rig: QemuRig, spec: VmSpec): Promise<MoveId> {
  const { moveId, pipe } = await prepareMove(rig, spec);
  try {
    await Promise.all([
      sendOut(rig, moveId, pipe),
      rig.target.awaitIncoming(moveId, spec.name, new AbortController().signal),
    ]);
  } finally {
    await pipe.close();
  }
  return moveId;
}

export function sendOut(rig: QemuRig, moveId: MoveId, pipe: BytePipe, noProgressMs = 20_000) {
  return rig.source.migrateOut(
    {
      moveId,
      vm: moveId.slice(0, moveId.indexOf(".")),
      socketPath: pipe.path,
      limits: { bandwidthBytesPerSecond: 0, downtimeMs: 300, noProgressMs },
      progressed: () => {},
    },
    new AbortController().signal,
  );
}

/** Resolves when the guest has counted on, without a gap, repeat or reset since its first count. */
export async function countsOn(rig: QemuRig, vm: string): Promise<void> {
  const before = await rig.count(vm);
  await eventually(
    `${vm} counts on from ${before}`,
    async () => (await rig.count(vm)) > before + 1,
  );
  const fault = await rig.countFault(vm);
  if (fault !== null) throw new Error(`${vm}: ${fault}`);
}
