import type { Effect, JournalEntry } from "../../core/effects.ts";
import { type HostId, type MoveId, readMoveId, type VmName } from "../../model/ids.ts";
import type { SimFact } from "../sim-fact.ts";

/**
 * Moments of a move as an onlooker sees them, by journal lines, messages and copies:
 * - granted: the target has said yes; transferring, receiving: the ends' first lines;
 * - whole: the target's copy has all of the memory; sent: the source's hypervisor has finished;
 * - held: the vote is durable; committed: the commit is, and its message is about to leave;
 * - running: the target owns the VM; aborted, refused: the lines that take it all back.
 */
export const moveMoments = [
  "granted",
  "transferring",
  "receiving",
  "whole",
  "sent",
  "held",
  "committed",
  "running",
  "aborted",
  "refused",
] as const;
export type MomentName = (typeof moveMoments)[number];

export interface MoveMoment {
  readonly name: MomentName;
  readonly moveId: MoveId;
  readonly vm: VmName;
  readonly source: HostId;
  readonly target: HostId;
}

type Ends = Pick<MoveMoment, "source" | "target">;

/** Moves whose ends are remembered; older ones are over, or nobody waits for them. */
const knownMax = 1_000;

/** Recognises the moments of moves among the facts of a run. */
export class MoveMoments {
  readonly #ends = new Map<MoveId, Ends>();

  /** The moments that this fact is; mostly none. */
  of(fact: SimFact): readonly MoveMoment[] {
    if (fact.type === "stepped") return this.#granted(fact.host, fact.effects);
    if (fact.type === "persisted") return this.#written(fact.host, fact.entries);
    if (fact.type !== "copyChanged" || fact.change.cause !== "stream") return [];
    const { after } = fact.change;
    const ends = after?.moveId ? this.#ends.get(after.moveId) : undefined;
    if (!after?.moveId || !ends) return [];
    const name = after.state === "received" ? "whole" : after.state === "sent" ? "sent" : null;
    return name ? [{ name, moveId: after.moveId, vm: after.spec.name, ...ends }] : [];
  }

  #granted(target: HostId, effects: readonly Effect[]): readonly MoveMoment[] {
    const moments: MoveMoment[] = [];
    for (const effect of effects) {
      if (effect.type !== "send" || effect.message.type !== "grant") continue;
      const { moveId } = effect.message;
      const vm = readMoveId(moveId)?.vm ?? "";
      moments.push({ name: "granted", moveId, vm, ...this.#know(moveId, effect.to, target) });
    }
    return moments;
  }

  #written(host: HostId, entries: readonly JournalEntry[]): readonly MoveMoment[] {
    const moments: MoveMoment[] = [];
    for (const { key, value } of entries) {
      if (value === null || !key.startsWith("move/")) continue;
      const { role, phase, peer, vm } = JSON.parse(value) as MoveLineText;
      const moveId = key.slice("move/".length);
      const [source, target] = role === "source" ? [host, peer] : [peer, host];
      const ends = this.#know(moveId, source, target);
      const name = moveMoments.find((moment) => moment === phase);
      if (name) moments.push({ name, moveId, vm, ...ends });
    }
    return moments;
  }

  #know(moveId: MoveId, source: HostId, target: HostId): Ends {
    const ends = { source, target };
    this.#ends.delete(moveId);
    this.#ends.set(moveId, ends);
    const oldest = this.#ends.size > knownMax ? this.#ends.keys().next().value : undefined;
    if (oldest !== undefined) this.#ends.delete(oldest);
    return ends;
  }
}

interface MoveLineText {
  readonly role: "source" | "target";
  readonly phase: string;
  readonly peer: HostId;
  readonly vm: VmName;
}
