import type { Effect } from "../../core/effects.ts";
import type { Event } from "../../core/events.ts";
import type { NodeOptions } from "../../core/node-options.ts";

/** Changes what one life of a core orders, and before that what it hears. */
export interface Twist {
  readonly hear?: (event: Event) => Event;
  readonly say?: (effects: readonly Effect[], event: Event, nowMs: number) => readonly Effect[];
}

/** A bug that a core could have. */
export interface PlantedBug {
  /** The checker that is there to catch it. */
  readonly caughtBy: string;
  /** Words of the rule that it breaks, for a checker of several rules. */
  readonly says?: string;
  readonly twist: (options: NodeOptions) => Twist;
}

/** An id that the core does not use: it hears nothing of the order's end. */
export const unheardOpId = 2 ** 45;
