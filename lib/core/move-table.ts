import { earliestMs } from "../base/earliest.ts";
import type { CopyReport } from "../model/copy.ts";
import type { HostId, MoveId, VmName } from "../model/ids.ts";
import type { VmLoad } from "../model/load.ts";
import type { TransferProgress } from "../model/transfer-progress.ts";
import type { VmState } from "../model/vm.ts";
import { SourceMove } from "../moves/source-move.ts";
import type { TargetMove } from "../moves/target-move.ts";
import type { MoveOfGuest } from "./guest-table.ts";

/** One unfinished move of this host, at either end. */
export interface MoveEntry {
  readonly move: SourceMove | TargetMove;
  readonly startedAtMs: number;
  /** The load that came with the proposal: what the target expects of the VM. */
  readonly load: VmLoad | null;
  progress: TransferProgress | null;
  /** The last lateness or silence that was told, so that it is told once. */
  doubtTold: boolean;
}

export function isSource(entry: MoveEntry): entry is MoveEntry & { move: SourceMove } {
  return entry.move instanceof SourceMove;
}

/** All unfinished moves of this host, by id. Bounded by the ledger's slots and the journal. */
export class MoveTable {
  readonly #entries = new Map<MoveId, MoveEntry>();

  get(moveId: MoveId): MoveEntry | undefined {
    return this.#entries.get(moveId);
  }

  add(entry: MoveEntry): void {
    this.#entries.set(entry.move.facts.moveId, entry);
  }

  remove(moveId: MoveId): void {
    this.#entries.delete(moveId);
  }

  all(): readonly MoveEntry[] {
    return [...this.#entries.values()];
  }

  withPeer(peer: HostId): readonly MoveEntry[] {
    return this.all().filter((entry) => entry.move.facts.peer === peer);
  }

  /** The move that has the VM in hand at this host, if any. A settled end only remembers. */
  ofVm(vm: VmName): MoveEntry | undefined {
    return this.all().find((entry) => entry.move.facts.vm === vm && holdsVm(entry));
  }

  /** The VM's last move, when it runs here and the other end has not confirmed that, if any. */
  unclosedOf(vm: VmName): MoveEntry | undefined {
    return this.all().find(({ move }) => move.facts.vm === vm && move.unclosed);
  }

  /** True when a copy in the hypervisor's list belongs to an unfinished move. */
  explains(copy: CopyReport): boolean {
    return this.all().some((entry) => entry.move.facts.vm === copy.vm);
  }

  nextTimeoutMs(): number | undefined {
    return earliestMs(...this.all().map(({ move }) => move.nextTimeoutMs));
  }
}

function holdsVm(entry: MoveEntry): boolean {
  return !entry.move.onlyRemembered;
}

/** What the move makes of the VM that this host owns; undefined when it leaves it alone. */
export function moveOfGuest(entry: MoveEntry | undefined, nowMs: number): MoveOfGuest | undefined {
  if (!entry) return undefined;
  const { moveId, peer } = entry.move.facts;
  return { moveId, target: peer, state: vmStateOf(entry, nowMs) };
}

function vmStateOf(entry: MoveEntry, nowMs: number): VmState {
  if (!isSource(entry)) return "starting";
  if (entry.move.guestRuns) return "migrating";
  return entry.move.inDoubt(nowMs) ? "in-doubt" : "frozen";
}
