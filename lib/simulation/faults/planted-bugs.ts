import type { Effect } from "../../core/effects.ts";
import type { Event } from "../../core/events.ts";
import type { Snapshot } from "../../core/snapshot.ts";
import type { VmPolicy, VmSpec } from "../../model/vm-spec.ts";
import type { SimNode, SimNodeMaker } from "../sim-node.ts";
import { type PlantedBug, type Twist, unheardOpId } from "./planted-bug.ts";
import { serviceBugs } from "./service-bugs.ts";

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
    twist: () => ({
      say: (effects) => {
        const held = effects.find((one) => one.type === "send" && one.message.type === "held");
        if (held?.type !== "send" || held.message.type !== "held") return effects;
        const { moveId } = held.message;
        const op = { op: "runIncoming", moveId, vm: vmOf(moveId) } as const;
        return [...effects, { type: "run", opId: unheardOpId, op }];
      },
    }),
  },
  /** Lets the guest run on after its memory was sent, until it commits the move. */
  "lets-it-run-on": { caughtBy: "guest-continuity", twist: () => letsItRunOn() },
  /** Discards its copy while the target's is still arriving. */
  "discards-early": {
    caughtBy: "never-lost",
    twist: () => ({
      say: (effects, event) => {
        if (event.type !== "transferProgressed") return effects;
        const { moveId } = event.progress;
        const op = { op: "discard", moveId, vm: vmOf(moveId) } as const;
        return [...effects, { type: "run", opId: unheardOpId, op }];
      },
    }),
  },
  /** Never lets a copy run that it was given. */
  "never-runs": {
    caughtBy: "frozen-bound",
    twist: () => ({
      say: (effects) =>
        effects.filter((effect) => effect.type !== "run" || effect.op.op !== "runIncoming"),
    }),
  },
  /** Keeps its claim to a VM that it gave away. */
  "never-disowns": {
    caughtBy: "one-owner",
    twist: () => ({
      say: (effects) =>
        effects.map((effect) => {
          if (effect.type !== "persist") return effect;
          const kept = effect.entries.filter(({ key, value }) => {
            return value !== null || !key.startsWith("vm/");
          });
          return { ...effect, entries: kept };
        }),
    }),
  },
  /** Counts on ten times the memory that it has, in its ledger and in what it tells. */
  "believes-in-more-memory": {
    caughtBy: "memory-at-grant",
    twist: () => ({
      hear: (event) => {
        if (event.type !== "loadSampled") return event;
        const memoryCapacityBytes = 10 * event.host.memoryCapacityBytes;
        return { ...event, host: { ...event.host, memoryCapacityBytes } };
      },
    }),
  },
  /** Forgets the rules of every VM, and passes them on all the same. */
  "forgets-rules": { caughtBy: "rules-hold", twist: () => forgetsRules() },
  /** Publishes one text after the other under the same number. */
  "reuses-seq": {
    caughtBy: "rising-versions",
    twist: ({ self }) => ({
      say: (effects) =>
        effects.map((effect) => {
          if (effect.type !== "send" || effect.message.type !== "delta") return effect;
          const records = effect.message.records.map((record) => {
            return record.host === self ? { ...record, seq: Math.min(record.seq, 3) } : record;
          });
          return { ...effect, message: { ...effect.message, records } };
        }),
    }),
  },
  /** One host stops talking a while after its start, and believes that all is well. */
  "goes-mute": {
    caughtBy: "convergence",
    twist: ({ name }) => {
      let bornMs: number | undefined;
      return {
        say: (effects, _event, nowMs) => {
          bornMs ??= nowMs;
          if (name !== "host-2" || nowMs - bornMs < muteAfterMs) return effects;
          return effects.filter(({ type }) => type !== "datagram" && type !== "send");
        },
      };
    },
  },
  ...serviceBugs,
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
    const effects = this.#node.step(this.#twist.hear?.(event) ?? event, nowMs);
    return this.#twist.say?.(effects, event, nowMs) ?? effects;
  }

  get nextTimeoutMs(): number | undefined {
    return this.#node.nextTimeoutMs;
  }

  snapshot(nowMs: number): Snapshot {
    return this.#node.snapshot(nowMs);
  }
}

function letsItRunOn(): Twist {
  const streams = new Map<number, string>();
  const orderOf = (op: "takeBack" | "discard", moveId: string): Effect => {
    return { type: "run", opId: unheardOpId, op: { op, moveId, vm: vmOf(moveId) } };
  };
  return {
    say: (effects, event) => {
      const said = effects.flatMap((effect): readonly Effect[] => {
        if (effect.type === "run" && effect.op.op === "migrateOut") {
          streams.set(effect.opId, effect.op.moveId);
        }
        const commits = effect.type === "send" && effect.message.type === "commit";
        return commits ? [orderOf("discard", effect.message.moveId), effect] : [effect];
      });
      const sent =
        event.type === "opEnded" && event.result.ok ? streams.get(event.opId) : undefined;
      return sent === undefined ? said : [...said, orderOf("takeBack", sent)];
    },
  };
}

const noRules: VmPolicy = {
  pin: null,
  ignore: false,
  antiAffinityGroup: null,
  affinityGroup: null,
};

function forgetsRules(): Twist {
  const known = new Map<string, VmPolicy>();
  const forget = (spec: VmSpec): VmSpec => {
    known.set(spec.name, spec.policy);
    return { ...spec, policy: noRules };
  };
  return {
    hear: (event) => {
      if (event.type === "verbAsked" && event.verb.verb === "define") {
        return { ...event, verb: { ...event.verb, spec: forget(event.verb.spec) } };
      }
      if (event.type !== "messageReceived" || event.message.type !== "propose") return event;
      const { message } = event;
      const offer = { ...message.offer, spec: forget(message.offer.spec) };
      return { ...event, message: { ...message, offer } };
    },
    say: (effects) =>
      effects.map((effect) => {
        if (effect.type !== "send" || effect.message.type !== "propose") return effect;
        const { message } = effect;
        const { spec } = message.offer;
        const policy = known.get(spec.name) ?? spec.policy;
        return {
          ...effect,
          message: { ...message, offer: { ...message.offer, spec: { ...spec, policy } } },
        };
      }),
  };
}

function vmOf(moveId: string): string {
  return moveId.slice(0, moveId.indexOf("."));
}
