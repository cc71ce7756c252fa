import type { HostId } from "../model/ids.ts";
import type { HostStanding } from "../services/service-view.ts";
import type { Outbox } from "./outbox.ts";
import type { ReportDraft } from "./report-drafts.ts";

/** Loads, sessions and queues that changed are told after this long, ms; all else at once. */
const figuresMs = 2_000;
/** What has not changed is told again after this long: the receiver may have restarted, ms. */
const againMs = 10_000;
/** A member's load is told at once when it differs by so much from what was told. */
const cpuShareStep = 0.1;

export interface ReportDeskOptions {
  readonly outbox: Outbox;
  readonly incarnation: () => number;
}

interface Sent {
  readonly facts: string;
  readonly figures: readonly number[];
  readonly text: string;
  readonly atMs: number;
}

const nothing: ReportDraft = { members: [], switch: [], mayStage: [], mayGo: [] };

/** Sends what others must know of this host's members and switch, as often as it matters. */
export class ReportDesk {
  readonly #options: ReportDeskOptions;
  readonly #sent = new Map<HostId, Sent>();
  #seq = 0;

  constructor(options: ReportDeskOptions) {
    this.#options = options;
  }

  /** `drafts`: everything that anybody should know; who is not named any more hears so once. */
  tell(
    drafts: ReadonlyMap<HostId, ReportDraft>,
    standing: () => HostStanding,
    nowMs: number,
  ): void {
    for (const host of this.#sent.keys()) {
      if (drafts.has(host)) continue;
      this.#send(host, nothing, standing());
      this.#sent.delete(host);
    }
    for (const [host, draft] of drafts) {
      const now = { ...shapeOf(draft), text: JSON.stringify(draft), atMs: nowMs };
      const before = this.#sent.get(host);
      if (before && !isDue(now, before)) continue;
      this.#sent.set(host, now);
      this.#send(host, draft, standing());
    }
  }

  #send(host: HostId, draft: ReportDraft, standing: HostStanding): void {
    const { draining, utilisation, freeMemoryBytes } = standing;
    this.#seq += 1;
    this.#options.outbox.send(host, {
      type: "memberReport",
      incarnation: this.#options.incarnation(),
      seq: this.#seq,
      standing: { draining, utilisation, freeMemoryBytes },
      ...draft,
    });
  }
}

function isDue(now: Sent, before: Sent): boolean {
  const ageMs = now.atMs - before.atMs;
  if (ageMs >= againMs || now.facts !== before.facts) return true;
  const leaps = now.figures.some(
    (figure, at) => Math.abs(figure - (before.figures[at] ?? 0)) >= cpuShareStep,
  );
  return leaps || (ageMs >= figuresMs && now.text !== before.text);
}

/** What is told at once when it changes, and the loads, which change all the time. */
function shapeOf({ members, switch: services, mayStage, mayGo }: ReportDraft) {
  const facts = JSON.stringify([
    members.map(({ cpuShare: _share, diskBytes: _bytes, ...rest }) => rest),
    services.map(({ service, queued, problem, members: shown }) => [
      ...[service, queued > 0, problem],
      ...shown.map(({ host, state, sessions, drainMark }) => [
        host,
        state,
        drainMark,
        sessions > 0,
      ]),
    ]),
    ...[mayStage, mayGo],
  ]);
  return { facts, figures: members.map(({ cpuShare }) => cpuShare ?? -1) };
}
