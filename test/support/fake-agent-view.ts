import type { AgentView } from "#agent/ports/agent-view.ts";
import type { Notice } from "#lib/core/effects.ts";
import type { Snapshot } from "#lib/core/snapshot.ts";
import type { Verb, VerbResult } from "#lib/model/verb.ts";
import { snapshotFixture } from "./snapshot-fixture.ts";

const DONE: VerbResult = { status: 200, message: "done", data: null, moveId: null };

/** An agent of plain values: tests set what it shows and read what it was asked. */
export class FakeAgentView implements AgentView {
  current: Snapshot = snapshotFixture();
  answer: (verb: Verb) => VerbResult | Promise<VerbResult> = () => DONE;
  readonly asked: Verb[] = [];
  readonly #listeners = new Set<(notice: Notice, wallMs: number) => void>();

  snapshot(): Snapshot {
    return this.current;
  }

  async ask(verb: Verb): Promise<VerbResult> {
    this.asked.push(verb);
    return this.answer(verb);
  }

  onNotice(listener: (notice: Notice, wallMs: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  notify(message: string, changes: Partial<Notice> = {}): void {
    const notice: Notice = { code: "test", level: "info", message, facts: {}, ...changes };
    for (const listener of this.#listeners) listener(notice, Date.UTC(2026, 0, 2, 3, 4, 5));
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  counters() {
    return {
      sentBytes: 1_000,
      receivedBytes: 2_000,
      sentMessages: 10,
      receivedMessages: 20,
      dropped: { malformed: 3 },
    };
  }

  processFigures() {
    return { uptimeMs: 7_384_000, residentBytes: 70_000_000, cpuMs: 9_500 };
  }
}
