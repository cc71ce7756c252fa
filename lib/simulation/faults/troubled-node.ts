import { earliestMs } from "../../base/earliest.ts";
import { Prng } from "../../base/prng.ts";
import type { Effect } from "../../core/effects.ts";
import type { Event } from "../../core/events.ts";
import type { NodeOptions } from "../../core/node-options.ts";
import type { Snapshot } from "../../core/snapshot.ts";
import type { HostOpName } from "../../model/host-op.ts";
import type { SimNode } from "../sim-node.ts";
import type { HostTroubles } from "./host-trouble.ts";

type Run = Extract<Effect, { type: "run" }>;

interface HeldOrder {
  readonly run: Run;
  readonly untilMs: number;
  /** The agent was told that it timed out; the hypervisor may still carry it out. */
  timedOut: boolean;
}

/** A driver gives an order up after this long without an answer, ms. */
const orderMs = 10_000;
/** Orders that a hung hypervisor holds; more are lost. */
const heldMax = 64;
/** Ids of orders whose answer nobody waits for any more. */
const lateOpIdMin = 2 ** 40;

/** Orders that go to the guest's hypervisor and not to the host around it. */
const hypervisorOrders: readonly HostOpName[] = [
  "migrateOut",
  "cancelMigration",
  "runIncoming",
  "takeBack",
  "moveVerdict",
  "prepareIncoming",
  "start",
  "suspend",
  "resume",
];

/** Of those, orders that a hypervisor may still carry out after its driver gave up waiting. */
const lateOrders: readonly HostOpName[] = [
  "migrateOut",
  "cancelMigration",
  "runIncoming",
  "takeBack",
  "suspend",
];

/**
 * A node whose host is in trouble at times: its hypervisor hangs, its journal or its image
 * directory is full. Between the two it changes what the node asks and hears, never the node.
 */
export class TroubledNode implements SimNode {
  readonly #node: SimNode;
  readonly #self: string;
  readonly #troubles: HostTroubles;
  readonly #prng: Prng;
  #held: HeldOrder[] = [];
  #late = 0;
  #ended = false;

  constructor(node: SimNode, options: NodeOptions, troubles: HostTroubles) {
    this.#node = node;
    this.#self = options.self;
    this.#troubles = troubles;
    this.#prng = new Prng(`trouble.${options.seed}`);
  }

  step(event: Event, nowMs: number): readonly Effect[] {
    if (this.#ended) return [];
    const effects = this.#dueOrders(nowMs);
    const nodeMs = this.#node.nextTimeoutMs;
    // Woken for a held order only, the node has nothing to do yet.
    const ours = event.type === "timeout" && (nodeMs === undefined || nodeMs > nowMs);
    if (!ours) effects.push(...this.#passed(this.#node.step(event, nowMs), nowMs));
    return this.#written(effects);
  }

  get nextTimeoutMs(): number | undefined {
    if (this.#ended) return undefined;
    const waiting = this.#held.filter((order) => !order.timedOut);
    return earliestMs(this.#node.nextTimeoutMs, ...waiting.map((order) => order.untilMs));
  }

  snapshot(nowMs: number): Snapshot {
    return this.#node.snapshot(nowMs);
  }

  /** What the node asks, without what a hung hypervisor keeps waiting. */
  #passed(effects: readonly Effect[], nowMs: number): readonly Effect[] {
    const { hung, imagesFull } = this.#troubles.of(this.#self);
    if (!hung && !imagesFull) return effects;
    const passed: Effect[] = [];
    for (const effect of effects) {
      if (imagesFull && effect.type === "run" && effect.op.op === "suspend") {
        passed.push(...this.#answer(effect, "COMMAND_FAILED", "no space left on device", nowMs));
      } else if (hung && effect.type === "run" && hypervisorOrders.includes(effect.op.op)) {
        this.#hold(effect, nowMs);
      } else passed.push(effect);
    }
    return passed;
  }

  #hold(run: Run, nowMs: number): void {
    if (this.#held.length >= heldMax) this.#held.shift();
    this.#held.push({ run, untilMs: nowMs + orderMs, timedOut: false });
  }

  /** Orders that a hypervisor takes again, and answers that its driver gave up waiting for. */
  #dueOrders(nowMs: number): Effect[] {
    if (!this.#troubles.of(this.#self).hung) {
      const held = this.#held;
      this.#held = [];
      return held.map((order) => (order.timedOut ? this.#lateRun(order.run) : order.run));
    }
    const effects: Effect[] = [];
    for (const order of [...this.#held]) {
      if (order.timedOut || nowMs < order.untilMs) continue;
      order.timedOut = true;
      const { op } = order.run.op;
      if (!lateOrders.includes(op) || this.#prng.nextShare() < 0.5) {
        this.#held = this.#held.filter((other) => other !== order);
      }
      effects.push(...this.#answer(order.run, "TIMED_OUT", `no answer to ${op}`, nowMs));
    }
    return effects;
  }

  #lateRun(run: Run): Run {
    this.#late += 1;
    return { ...run, opId: lateOpIdMin + this.#late };
  }

  #answer({ opId }: Run, code: string, message: string, nowMs: number): readonly Effect[] {
    const result = { ok: false, code, message } as const;
    return this.#passed(this.#node.step({ type: "opEnded", opId, result }, nowMs), nowMs);
  }

  /** A failed write ends the process: nothing that comes after it happens. */
  #written(effects: readonly Effect[]): readonly Effect[] {
    if (!this.#troubles.of(this.#self).journalFull) return effects;
    const failing = effects.findIndex((effect) => effect.type === "persist");
    if (failing < 0) return effects;
    this.#ended = true;
    this.#troubles.writeFailed(this.#self);
    return effects.slice(0, failing);
  }
}
