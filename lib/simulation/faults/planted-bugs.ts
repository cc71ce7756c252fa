import type { Effect } from "../../core/effects.ts";
import type { Event } from "../../core/events.ts";
import type { NodeOptions } from "../../core/node-options.ts";
import type { Snapshot } from "../../core/snapshot.ts";
import type { SimNode, SimNodeMaker } from "../sim-node.ts";

/** Changes what a core orders, for one life of it. */
type Twist = (event: Event, effects: readonly Effect[], nowMs: number) => readonly Effect[];

interface PlantedBug {
  /** The checker that is there to catch it. */
  readonly caughtBy: string;
  readonly twist: (options: NodeOptions) => Twist;
}

/** An id that the core does not use: it hears nothing of the order's end. */
const opId = 2 ** 45;

/** From here on a core that goes mute says nothing, ms of its own life. */
const muteAfterMs = 60_000;

/**
 * Bugs that a core could have, each beside the checker that must catch it: a checker that cannot
 * fail proves nothing. `npm run -s sim -- --seeds N --bug NAME` hunts one.
 */
export const plantedBugs: Readonly<Record<string, PlantedBug>> = {
  /** Lets its copy run as soon as it has voted, instead of when it is told to. */
  "runs-unasked": {
    caughtBy: "two-running",
    twist: () => (_event, effects) => {
      const held = effects.find((one) => one.type === "send" && one.message.type === "held");
      if (held?.type !== "send" || held.message.type !== "held") return effects;
      const { moveId } = held.message;
      const op = { op: "runIncoming", moveId, vm: vmOf(moveId) } as const;
      return [...effects, { type: "run", opId, op }];
    },
  },
  /** Runs the memory of before the move when the guest has died at the target since. */
  "runs-old-memory": {
    caughtBy: "guest-continuity",
    twist: () => (event, effects) => {
      const ran =
        event.type === "messageReceived" &&
        event.message.type === "targetAnswer" &&
        event.message.answer === "ran";
      if (!ran) return effects;
      return effects.map((effect) => {
        if (effect.type !== "run" || effect.op.op !== "discard") return effect;
        return { ...effect, op: { ...effect.op, op: "takeBack" } };
      });
    },
  },
  /** Discards its copy while the target's is still arriving. */
  "discards-early": {
    caughtBy: "never-lost",
    twist: () => (event, effects) => {
      if (event.type !== "transferProgressed") return effects;
      const { moveId } = event.progress;
      const op = { op: "discard", moveId, vm: vmOf(moveId) } as const;
      return [...effects, { type: "run", opId, op }];
    },
  },
  /** Never tells the target that it has committed, nor anything else. */
  "never-runs": {
    caughtBy: "frozen-bound",
    twist: () => (_event, effects) =>
      effects.filter((effect) => effect.type !== "run" || effect.op.op !== "runIncoming"),
  },
  /** Keeps its claim to a VM that it gave away. */
  "never-disowns": {
    caughtBy: "one-owner",
    twist: () => (_event, effects) =>
      effects.map((effect) => {
        if (effect.type !== "persist") return effect;
        const kept = effect.entries.filter(({ key, value }) => {
          return value !== null || !key.startsWith("vm/");
        });
        return { ...effect, entries: kept };
      }),
  },
  /** Grants whatever its ledger refuses for want of memory. */
  "grants-without-ledger": { caughtBy: "memory-at-grant", twist: () => grantsDespite(/memory/) },
  /** Grants whatever a rule forbids. */
  "grants-against-rules": {
    caughtBy: "rules-hold",
    twist: () => grantsDespite(/pinned|anti-affinity|ignored/),
  },
  /** Publishes one text after the other under the same number. */
  "reuses-seq": {
    caughtBy: "rising-versions",
    twist:
      ({ self }) =>
      (_event, effects) =>
        effects.map((effect) => {
          if (effect.type !== "send" || effect.message.type !== "delta") return effect;
          const records = effect.message.records.map((record) => {
            return record.host === self ? { ...record, seq: Math.min(record.seq, 3) } : record;
          });
          return { ...effect, message: { ...effect.message, records } };
        }),
  },
  /** One host stops talking a while after its start, and believes that all is well. */
  "goes-mute": {
    caughtBy: "convergence",
    twist: ({ name }) => {
      let bornMs: number | undefined;
      return (_event, effects, nowMs) => {
        bornMs ??= nowMs;
        if (name !== "host-2" || nowMs - bornMs < muteAfterMs) return effects;
        return effects.filter(({ type }) => type !== "datagram" && type !== "send");
      };
    },
  },
};

/** Makes the nodes of `make` with this bug in them. */
export function withBug(make: SimNodeMaker, bug: PlantedBug): SimNodeMaker {
  return (options) => new TwistedNode(make(options), bug.twist(options));
}

/** A real core, whose orders are changed on their way out. */
class TwistedNode implements SimNode {
  readonly #node: SimNode;
  readonly #twist: Twist;

  constructor(node: SimNode, twist: Twist) {
    this.#node = node;
    this.#twist = twist;
  }

  step(event: Event, nowMs: number): readonly Effect[] {
    return this.#twist(event, this.#node.step(event, nowMs), nowMs);
  }

  get nextTimeoutMs(): number | undefined {
    return this.#node.nextTimeoutMs;
  }

  snapshot(nowMs: number): Snapshot {
    return this.#node.snapshot(nowMs);
  }
}

function grantsDespite(reason: RegExp): Twist {
  return (_event, effects) =>
    effects.map((effect) => {
      if (effect.type !== "send" || effect.message.type !== "refuse") return effect;
      if (!reason.test(effect.message.reason)) return effect;
      return { ...effect, message: { type: "grant", moveId: effect.message.moveId } };
    });
}

function vmOf(moveId: string): string {
  return moveId.slice(0, moveId.indexOf("."));
}
