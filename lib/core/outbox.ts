import type { HostOp } from "../model/host-op.ts";
import type { HostId, MoveId, VmName } from "../model/ids.ts";
import type { Leftovers, WantedBackend } from "../model/switch.ts";
import type { VerbResult } from "../model/verb.ts";
import type { DatagramMessage, DeltaMessage, Message } from "../wire/messages.ts";
import type { Effect, JournalEntry, Notice } from "./effects.ts";

/** Which part of the core is told that an operation ended. */
export type OpOwner =
  | { readonly part: "move"; readonly moveId: MoveId }
  | { readonly part: "guest"; readonly vm: VmName }
  | { readonly part: "policy"; readonly vm: VmName }
  | { readonly part: "member"; readonly service: string }
  | { readonly part: "offer"; readonly moveId: MoveId }
  | { readonly part: "admit"; readonly moveId: MoveId };

export type KnownPeer = Extract<Effect, { type: "peersKnown" }>["peers"][number];

export interface PendingOp {
  readonly op: HostOp["op"];
  readonly owner: OpOwner;
}

/**
 * Collects the effects of one step in the order in which the parts of the core give them, and
 * remembers who waits for which operation.
 */
export class Outbox {
  #effects: Effect[] = [];
  #lastOpId = 0;
  readonly #pendingOps = new Map<number, PendingOp>();

  persist(entries: readonly JournalEntry[]): void {
    if (entries.length === 0) return;
    // What follows at once becomes durable with it: one write instead of one a line.
    const last = this.#effects.at(-1);
    if (last?.type === "persist") {
      this.#effects[this.#effects.length - 1] = {
        type: "persist",
        entries: [...last.entries, ...entries],
      };
    } else this.#effects.push({ type: "persist", entries });
  }

  send(to: HostId, message: Message): void {
    this.#effects.push({ type: "send", to, message });
  }

  datagram(to: HostId, message: DatagramMessage): void {
    this.#effects.push({ type: "datagram", to, message });
  }

  broadcast(message: DeltaMessage): void {
    this.#effects.push({ type: "broadcast", message });
  }

  run(op: HostOp, owner: OpOwner): void {
    this.#lastOpId += 1;
    this.#pendingOps.set(this.#lastOpId, { op: op.op, owner });
    this.#effects.push({ type: "run", opId: this.#lastOpId, op });
  }

  /** Whose operation it was; undefined for one that this life did not start. */
  opEnded(opId: number): PendingOp | undefined {
    const pending = this.#pendingOps.get(opId);
    this.#pendingOps.delete(opId);
    return pending;
  }

  switchWanted(backends: readonly WantedBackend[], leftovers: Leftovers): void {
    this.#effects.push({ type: "switchWanted", backends, leftovers });
  }

  relist(): void {
    this.#effects.push({ type: "relist" });
  }

  reply(requestId: string, result: VerbResult): void {
    this.#effects.push({ type: "reply", requestId, result });
  }

  /** The list is made when somebody looks at it: it is long, and in a simulation nobody does. */
  peersKnown(peersOf: () => readonly KnownPeer[]): void {
    let peers: readonly KnownPeer[] | undefined;
    this.#effects.push({
      type: "peersKnown",
      get peers() {
        peers ??= peersOf();
        return peers;
      },
    });
  }

  notice(level: Notice["level"], code: string, message: string, facts: Notice["facts"] = {}): void {
    this.#effects.push({ type: "notice", notice: { level, code, message, facts } });
  }

  /** The effects so far, in order; the outbox is empty afterwards. */
  take(): readonly Effect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}
