import type { Effect } from "../core/effects.ts";
import type { Event } from "../core/events.ts";
import type { NodeOptions } from "../core/node-options.ts";
import type { Snapshot } from "../core/snapshot.ts";

/** What the simulator drives: the core's Node, or in a test a broken one. */
export interface SimNode {
  step(event: Event, nowMs: number): readonly Effect[];
  readonly nextTimeoutMs: number | undefined;
  snapshot(nowMs: number): Snapshot;
}

export type SimNodeMaker = (options: NodeOptions) => SimNode;
