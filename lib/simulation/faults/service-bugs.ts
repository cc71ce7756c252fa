import type { Effect } from "../../core/effects.ts";
import type { Event } from "../../core/events.ts";
import type { CopyReport } from "../../model/copy.ts";
import type { HostOpName } from "../../model/host-op.ts";
import type { VmName } from "../../model/ids.ts";
import type { VmSpec } from "../../model/vm-spec.ts";
import { readMemberName } from "../../services/member-name.ts";
import { type PlantedBug, type Twist, unheardOpId } from "./planted-bug.ts";

type Run = Extract<Effect, { type: "run" }>;

/** News of the members has got about by then, ms. */
const unaskedMs = 15_000;

/** Bugs that a core could have in its services, one for each rule of their checkers. */
export const serviceBugs: Readonly<Record<string, PlantedBug>> = {
  /** Takes any image for one that may be resumed. */
  "resumes-twice": {
    caughtBy: "service-rules",
    says: "from an image that is used up",
    twist: () => ({
      hear: (event) =>
        event.type === "started" || event.type === "copiesListed"
          ? { ...event, copies: event.copies.map(unused) }
          : event,
    }),
  },
  /** Stages a member that it has just staged. */
  "stages-again": {
    caughtBy: "service-rules",
    says: "while a process of it runs there",
    twist: () => again("stageMember"),
  },
  /** Stages a member for another host beside its own. */
  "stages-for-another": {
    caughtBy: "service-rules",
    says: "has two members of",
    twist: () => ({
      say: (effects) => [
        ...effects,
        ...effects.flatMap((effect): readonly Effect[] => {
          if (effect.type !== "run" || effect.op.op !== "stageMember") return [];
          const { op } = effect;
          const name = `${readMemberName(op.spec.name)?.service}--zzzzzzzz`;
          const spec = { ...op.spec, name };
          return [{ type: "run", opId: unheardOpId, op: { ...op, spec } }];
        }),
      ],
    }),
  },
  /** Resumes whatever it has suspended, a while later, and knows nothing of it. */
  "resumes-unasked": {
    caughtBy: "service-bounds",
    says: "was resumed as member",
    twist: () => resumesUnasked(),
  },
  /** Never resumes a member that it was told to. */
  "never-resumes": {
    caughtBy: "service-bounds",
    says: "run, ",
    twist: () => without("resume"),
  },
  /** Leaves members of deleted services as they are. */
  "never-discards": {
    caughtBy: "service-bounds",
    says: "which was deleted",
    twist: () => without("discardMember"),
  },
  /** Tells its switch nothing. */
  "leaves-the-switch": {
    caughtBy: "service-switches",
    says: "sends no requests to",
    twist: () => ({ say: (effects) => effects.filter(({ type }) => type !== "switchWanted") }),
  },
  /** Lets its switch go on with members that are to be suspended. */
  "never-drains": {
    caughtBy: "service-switches",
    says: "was suspended while the switch of",
    twist: () => ({ say: (effects) => effects.map(ready) }),
  },
};

function unused(copy: CopyReport): CopyReport {
  return copy.state === "stale" && readMemberName(copy.vm) ? { ...copy, state: "suspended" } : copy;
}

/** Gives an order of this kind once more when it has succeeded. */
function again(op: HostOpName): Twist {
  const under = new Map<number, Run>();
  return {
    say: (effects, event) => {
      const ended = succeeded(op, under, { effects, event });
      return ended ? [...effects, { ...ended, opId: unheardOpId }] : effects;
    },
  };
}

function resumesUnasked(): Twist {
  const under = new Map<number, Run>();
  const waiting: { readonly spec: VmSpec; readonly atMs: number }[] = [];
  const resumed = new Set<VmName>();
  const asleep = (copy: CopyReport): CopyReport =>
    resumed.has(copy.vm) && copy.state === "running" ? { ...copy, state: "suspended" } : copy;
  return {
    hear: (event) =>
      event.type === "copiesListed" ? { ...event, copies: event.copies.map(asleep) } : event,
    say: (effects, event, nowMs) => {
      const ended = succeeded("suspend", under, { effects, event })?.op;
      if (ended?.op === "suspend" && readMemberName(ended.spec.name)) {
        waiting.push({ spec: ended.spec, atMs: nowMs + unaskedMs });
      }
      const [due] = waiting;
      if (due === undefined || nowMs < due.atMs) return effects;
      waiting.shift();
      resumed.add(due.spec.name);
      const op = { op: "resume", spec: due.spec } as const;
      return [...effects, { type: "run", opId: unheardOpId, op }];
    },
  };
}

/** The order of this kind whose success is heard of now; `under` keeps those under way. */
function succeeded(
  op: HostOpName,
  under: Map<number, Run>,
  { effects, event }: { readonly effects: readonly Effect[]; readonly event: Event },
): Run | undefined {
  for (const effect of effects) {
    if (effect.type === "run" && effect.op.op === op) under.set(effect.opId, effect);
  }
  return event.type === "opEnded" && event.result.ok ? under.get(event.opId) : undefined;
}

function without(op: HostOpName): Twist {
  return {
    say: (effects) => effects.filter((effect) => effect.type !== "run" || effect.op.op !== op),
  };
}

function ready(effect: Effect): Effect {
  if (effect.type !== "switchWanted") return effect;
  const backends = effect.backends.map((one) => {
    return {
      ...one,
      servers: one.servers.map((server) => ({ ...server, state: "ready" as const })),
    };
  });
  return { ...effect, backends };
}
