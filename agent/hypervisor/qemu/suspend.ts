/**
 * Saves a running guest to disk: its memory already is a file, so only the state of its devices is
 * streamed out (x-ignore-shared). QEMU pauses the guest itself at the end of the stream, and lets
 * it run on when the stream breaks: until the manifest is renamed, every failure leaves it running.
 */
import { rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { HypervisorError } from "../hypervisor-error.ts";
import { WakeUp } from "../wake-up.ts";
import { markBases } from "./base-files.ts";
import { isTransferring } from "./copy-state.ts";
import type { Guest } from "./guest.ts";
import { copyMemory, memoryFileName } from "./memory-file.ts";
import { cancelTransfer } from "./migration-out.ts";
import { setLimits, setPassage } from "./migration-setup.ts";
import { readMigrationInfo } from "./query-migrate.ts";
import { runGuest } from "./run-guest.ts";
import {
  markDisk,
  readImage,
  removeImage,
  type SavedImage,
  templateDigest,
  writeImage,
} from "./saved-image.ts";
import { receiveState } from "./state-stream.ts";

const LOOK_INTERVAL_MS = 20;
/** Device state is a few 100 kB; longer than this and its disk is hanging. */
const SAVE_WAIT_MS = 60_000;
const LIMITS = { bandwidthBytesPerSecond: 0, downtimeMs: 1000 };
const BLOCK_BYTES = 512;

/** Resolves when the image is durable and the process gone. The image's bytes on disk. */
export async function suspendGuest(guest: Guest, accelerator: string): Promise<number> {
  const before = await readImage(guest.paths);
  const generation = (before?.generation ?? 0) + 1;
  let image: SavedImage;
  try {
    await guest.note({ role: "suspending" });
    image = await save(guest, accelerator, generation);
    await writeImage(guest.paths, image);
  } catch (cause) {
    await runOn(guest, generation);
    throw suspendError(guest, cause);
  }
  await guest.kill();
  await removeImage(guest.paths, image);
  const kept = join(guest.paths.folder, image.memoryFile);
  if (guest.record.memoryPath !== kept) await rm(guest.record.memoryPath, { force: true });
  const { blocks } = await stat(kept);
  return blocks * BLOCK_BYTES + image.stateBytes;
}

async function save(guest: Guest, accelerator: string, generation: number): Promise<SavedImage> {
  const { record, paths } = guest;
  const statePath = join(paths.folder, `state.${generation}`);
  const receiver = await receiveState(paths.state, statePath);
  try {
    await setPassage(guest, "save");
    await setLimits(guest, LIMITS);
    await guest.execute("migrate", { uri: `unix:${paths.state}` });
    await completed(guest, receiver.received);
    const stateBytes = await receiver.received;
    await copyMemory(record.memoryPath, join(paths.folder, memoryFileName));
    return {
      generation,
      consumed: false,
      memoryFile: memoryFileName,
      memoryBytes: record.spec.memoryBytes,
      stateFile: basename(statePath),
      stateBytes,
      bases: await markBases(record.spec),
      disks: await Promise.all(record.spec.disks.map(({ path }) => markDisk(path))),
      qemuVersion: record.qemuVersion,
      machineType: record.machineType,
      accelerator,
      templateDigest: templateDigest(record.spec),
    };
  } finally {
    receiver.close();
  }
}

/** Waits for QEMU to say completed; what our own writing says comes first, it is the cause. */
async function completed(guest: Guest, received: Promise<number>): Promise<void> {
  const wakeUp = new WakeUp();
  const unlisten = guest.listen(() => wakeUp.now());
  const endMs = guest.clock.nowMs() + SAVE_WAIT_MS;
  try {
    for (;;) {
      const info = readMigrationInfo(await guest.execute("query-migrate"));
      if (info.status === "completed") return;
      if (!isTransferring(info.status)) {
        await received;
        throw new HypervisorError(info.error ?? `it ended ${info.status}`, {
          code: "MIGRATION_FAILED",
        });
      }
      if (guest.clock.nowMs() > endMs) {
        throw new HypervisorError(`it took longer than ${SAVE_WAIT_MS} ms`, { code: "TIMED_OUT" });
      }
      await wakeUp.within(LOOK_INTERVAL_MS, guest.clock);
    }
  } finally {
    unlisten();
  }
}

/** After a failure the guest runs as if nothing had been tried. */
async function runOn(guest: Guest, generation: number): Promise<void> {
  await rm(join(guest.paths.folder, `state.${generation}`), { force: true });
  if (!(await guest.isAlive())) return;
  await cancelTransfer(guest);
  const { runState } = await guest.monitorState();
  if (runState !== "running") await runGuest(guest);
  await guest.note({ role: "own" }).catch(() => {
    // On a full disk the record cannot be written either; the next change of it makes it good.
  });
}

function suspendError(guest: Guest, cause: unknown): HypervisorError {
  const words = `VM ${guest.vm}: it could not be suspended and runs on`;
  const error = cause as { code?: unknown; message?: unknown };
  if (error.code === "ENOSPC" || error.code === "EDQUOT" || error.code === "EIO") {
    const remedy = `free space in ${guest.paths.folder}`;
    return new HypervisorError(`${words}: ${error.message}: ${remedy}`, { code: "STORAGE", cause });
  }
  const code = cause instanceof HypervisorError ? cause.code : "STORAGE";
  return new HypervisorError(`${words}: ${error.message}`, { code, cause });
}
