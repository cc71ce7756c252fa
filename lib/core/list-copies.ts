import type { CopyReport } from "../model/copy.ts";
import type { Parts } from "./build-parts.ts";
import type { Guest, GuestTable } from "./guest-table.ts";
import type { Outbox } from "./outbox.ts";

/** Looks in a row that found no copy of a guest that should run, before it is told as lost. */
const looksInVain = 2;

export interface CopyParts extends Pick<Parts, "cluster" | "mover" | "desk" | "services"> {
  readonly guests: GuestTable;
  readonly outbox: Outbox;
}

/** Takes what the hypervisor has on this host: told to every part, then what is missing, or too much. */
export function listCopies(copies: readonly CopyReport[], parts: CopyParts, nowMs: number): void {
  const { guests, mover, desk, services, outbox } = parts;
  const isExplained = (copy: CopyReport) =>
    guests.get(copy.vm) !== undefined ||
    mover.table.explains(copy) ||
    services?.members.serviceOf(copy.vm) !== undefined;
  const { absent, newStrays } = guests.list(copies, isExplained);
  mover.copiesListed(copies, nowMs);
  desk.copiesListed(copies, nowMs);
  services?.listed(copies, nowMs);
  for (const guest of absent) missCopy(guest, parts, nowMs);
  for (const { vm, state, moveId } of newStrays) {
    const message = `a copy of ${vm} (${state}) is here that no journal line explains`;
    outbox.notice("error", "stray-copy", message, { vm, moveId });
  }
}

/** A guest that should run has no copy: reported once a second look has found none either. */
function missCopy(
  guest: Guest,
  { guests, mover, outbox, cluster }: CopyParts,
  nowMs: number,
): void {
  const { name } = guest.owned.spec;
  const owned = guests.get(name) === guest;
  if (!owned || guest.lost || guest.action !== null || mover.table.ofVm(name)) return;
  guest.missing += 1;
  if (guest.missing < looksInVain) {
    outbox.relist();
    return;
  }
  guest.lost = true;
  const message = `${name} has no copy any more: it was powered off, or its process was killed`;
  outbox.notice("error", "vm-lost", message, { vm: name });
  cluster.touch(nowMs);
}
