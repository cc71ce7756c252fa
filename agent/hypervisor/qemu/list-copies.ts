import type { CopyReport } from "#lib/model/copy.ts";
import type { VmName } from "#lib/model/ids.ts";
import { guestFolders } from "./find-guests.ts";
import { hostOf, type LifeParts } from "./guest-life.ts";
import { readImage, staleReason } from "./saved-image.ts";

/** All copies on this host, in VM-name order: first what has a process, else what has an image. */
export async function listCopies(parts: LifeParts): Promise<readonly CopyReport[]> {
  const vms = await guestFolders(parts.settings.stateDirectory);
  const reports = await Promise.all(
    vms.map(async (vm) => (await livingReport(parts, vm)) ?? (await imageReport(parts, vm))),
  );
  return reports.filter((report) => report !== undefined);
}

async function livingReport({ table }: LifeParts, vm: VmName): Promise<CopyReport | undefined> {
  const guest = await table.living(vm);
  const state = await guest?.state();
  return guest === undefined || state === undefined
    ? undefined
    : { vm, state, moveId: guest.record.moveId };
}

async function imageReport(parts: LifeParts, vm: VmName): Promise<CopyReport | undefined> {
  const paths = parts.table.paths(vm);
  const image = await readImage(paths);
  if (image === undefined) return undefined;
  const stale = await staleReason(paths, image, hostOf(parts.facts));
  return { vm, state: stale === null ? "suspended" : "stale", moveId: null };
}
