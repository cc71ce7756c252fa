import type { Notice } from "#lib/core/effects.ts";
import type { Snapshot } from "#lib/core/snapshot.ts";
import type { Verb, VerbResult } from "#lib/model/verb.ts";
import type { TransportCounters } from "./transport.ts";

/** What the socket may see and ask of the running agent. */
export interface AgentView {
  snapshot(): Snapshot;
  /** Hands a verb to the core; resolves with its result, or 504 after a bounded wait. */
  ask(verb: Verb): Promise<VerbResult>;
  /** Calls `listener` with every notice from now on; returns how to stop. */
  onNotice(listener: (notice: Notice, wallMs: number) => void): () => void;
  counters(): TransportCounters;
  processFigures(): ProcessFigures;
}

export interface ProcessFigures {
  readonly uptimeMs: number;
  readonly residentBytes: number;
  readonly cpuMs: number;
}
