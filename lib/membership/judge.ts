import type { Prng } from "../base/prng.ts";
import type { Presence } from "../model/host.ts";
import type { HostId } from "../model/ids.ts";
import type { MemberState, Verdict } from "../model/verdict.ts";
import { wireLimits } from "../wire/limits.ts";
import type { Awareness } from "./awareness.ts";
import type { Member, MemberTable } from "./member-table.ts";
import type { Outbox } from "./outbox.ts";
import type { MembershipParams } from "./params.ts";
import { isCredibleIncarnation } from "./refutation.ts";
import { Suspicions } from "./suspicions.ts";
import { VerdictRide } from "./verdict-ride.ts";

export interface JudgeOptions {
  readonly self: HostId;
  readonly params: MembershipParams;
  readonly prng: Prng;
  readonly awareness: Awareness;
  readonly table: MemberTable;
  readonly outbox: Outbox;
}

/** How far one judgement may lag behind another's, so that the first is heard before the rest speak. */
const STAGGER_MS = 400;
/** Up to so many hosts everybody may tell everybody of a death. */
const HEARD_HOSTS_MAX = 256;
/** How often the table is looked through for members to forget. */
const SWEEP_INTERVAL_MS = 30_000;

/** Who is alive, suspect, dead or left: the only writer of the member table. */
export class Judge {
  readonly #self: HostId;
  readonly #params: MembershipParams;
  readonly #prng: Prng;
  readonly #table: MemberTable;
  readonly #outbox: Outbox;
  readonly #suspicions: Suspicions;
  readonly #ride: VerdictRide;
  #sweepAtMs = 0;

  constructor(options: JudgeOptions) {
    this.#self = options.self;
    this.#params = options.params;
    this.#prng = options.prng;
    this.#table = options.table;
    this.#outbox = options.outbox;
    this.#suspicions = new Suspicions(options.params, options.awareness);
    this.#ride = new VerdictRide(options.params.verdictRideMs);
  }

  /** What a newer record of the host itself says. */
  recordSeen(
    host: HostId,
    said: { readonly incarnation: number; readonly presence: Presence },
    nowMs: number,
  ): void {
    const member = this.#table.get(host);
    if (member && said.incarnation < member.incarnation) return;
    if (said.presence === "left") {
      this.#change(
        host,
        { state: "left", incarnation: said.incarnation },
        "it left for good",
        nowMs,
      );
    } else if (said.presence === "restarting") {
      this.#awaitRestart(host, said.incarnation, nowMs);
    } else if (!member || provesLife(member, said.incarnation)) {
      this.#change(
        host,
        { state: "alive", incarnation: said.incarnation },
        "it published a newer record",
        nowMs,
      );
    }
  }

  /** An ack to a fresh nonce of ours: alive at that incarnation, which refutes older verdicts. */
  ackProved(host: HostId, incarnation: number, nowMs: number): void {
    const member = this.#table.get(host);
    if (!member || member.state === "left" || incarnation <= member.incarnation) return;
    if (!isCredibleIncarnation(member.incarnation, incarnation)) return;
    this.#change(host, { state: "alive", incarnation }, "it answered a probe and refuted", nowMs);
  }

  /** Our own probes found the host silent. */
  probeFailed(host: HostId, nowMs: number): void {
    const member = this.#table.get(host);
    if (!member || member.state === "dead" || member.state === "left" || member.restarting) return;
    this.#accuse(member, this.#self, nowMs);
  }

  /** Another's word about a third; true when it made a member suspect or dead. */
  verdictHeard(verdict: Verdict, nowMs: number): boolean {
    const member = this.#table.get(verdict.host);
    if (!member || verdict.incarnation < member.incarnation || verdict.by === this.#self)
      return false;
    if (!isCredibleIncarnation(member.incarnation, verdict.incarnation)) return false;
    const isNewer = verdict.incarnation > member.incarnation;
    if (!isNewer && (member.state === "dead" || member.state === "left" || member.restarting)) {
      return false;
    }
    if (verdict.state === "suspect") {
      return this.#accuse({ ...member, incarnation: verdict.incarnation }, verdict.by, nowMs);
    }
    this.#die(verdict, `${verdict.by} found it dead`, nowMs);
    return true;
  }

  /** Nothing is known of the host any more, and nobody is told. */
  forget(host: HostId): void {
    this.#table.delete(host);
    this.#suspicions.end(host);
    this.#ride.remove(host);
  }

  timeout(nowMs: number): void {
    for (const host of this.#suspicions.due(nowMs)) this.#timeIsOver(host, nowMs);
    this.#ride.trim(nowMs);
    if (nowMs >= this.#sweepAtMs) this.#sweep(nowMs);
  }

  nextMs(): number | undefined {
    return this.#suspicions.nextMs();
  }

  postpone(latenessMs: number): void {
    this.#suspicions.postpone(latenessMs);
  }

  verdicts(): readonly Verdict[] {
    return this.#ride.newest(wireLimits.verdictsMax);
  }

  /** True when the member became suspect by this word. */
  #accuse(member: Member, by: HostId, nowMs: number): boolean {
    const { host, incarnation } = member;
    const before = this.#table.get(host);
    const isFirst = before?.state !== "suspect" || before.incarnation !== incarnation;
    if (isFirst) {
      const because = by === this.#self ? "it answered no probe" : `${by} suspects it`;
      this.#change(host, { state: "suspect", incarnation }, because, nowMs);
      const extraMs = by === this.#self ? 0 : this.#prng.nextInt(STAGGER_MS);
      this.#suspicions.begin(host, { startedAtMs: nowMs, extraMs });
    }
    if (!this.#suspicions.accuse(host, by, this.#table.aliveCount)) return isFirst;
    const verdict: Verdict = { host, incarnation, state: "suspect", by };
    this.#ride.add(verdict, nowMs);
    // A word that is not needed any more is not counted, so it is not spread either.
    if (by === this.#self) this.#outbox.push({ type: "spread", verdict });
    return isFirst;
  }

  #timeIsOver(host: HostId, nowMs: number): void {
    const member = this.#table.get(host);
    if (member?.state !== "suspect") return;
    const { incarnation } = member;
    const because = member.restarting
      ? "it did not come back from its restart"
      : `it did not refute; accused by ${this.#suspicions.accusersOf(host)}`;
    const verdict: Verdict = { host, incarnation, state: "dead", by: this.#self };
    const spreads = this.#isHeard(host);
    this.#die(verdict, because, nowMs);
    if (spreads) this.#outbox.push({ type: "spread", verdict });
  }

  /**
   * Whoever accused it says that it is dead, and of the others a few: each of a thousand hosts comes
   * to the same end at about the same time. Everybody else's word rides on gossip alone.
   */
  #isHeard(host: HostId): boolean {
    if (this.#suspicions.accuses(host, this.#self)) return true;
    const { secondOpinions } = this.#params;
    const { aliveCount } = this.#table;
    return aliveCount <= HEARD_HOSTS_MAX || this.#prng.nextShare() < secondOpinions / aliveCount;
  }

  #die(verdict: Verdict, because: string, nowMs: number): void {
    const { host, incarnation } = verdict;
    this.#change(host, { state: "dead", incarnation }, because, nowMs);
    this.#ride.add(verdict, nowMs);
  }

  #awaitRestart(host: HostId, incarnation: number, nowMs: number): void {
    const now = { state: "suspect", incarnation, restarting: true } as const;
    this.#change(host, now, "it announced a restart", nowMs);
    const extraMs = this.#prng.nextInt(STAGGER_MS);
    this.#suspicions.await(host, nowMs + this.#params.restartGraceMs + extraMs);
  }

  #change(
    host: HostId,
    now: { state: MemberState; incarnation: number; restarting?: boolean },
    because: string,
    nowMs: number,
  ): void {
    const before = this.#table.get(host);
    const isSame = before?.state === now.state;
    const sinceMs = isSame ? before.sinceMs : nowMs;
    const restarting = now.restarting ?? false;
    const { state, incarnation } = now;
    this.#table.set({ host, state, incarnation, sinceMs, restarting });
    this.#suspicions.end(host);
    // What was said before is refuted or overtaken by this.
    this.#ride.remove(host);
    if (isSame) return;
    this.#outbox.push({ type: "changed", host, state, previous: before?.state, because });
  }

  #sweep(nowMs: number): void {
    this.#sweepAtMs = nowMs + SWEEP_INTERVAL_MS;
    if (this.#table.endedCount === 0) return;
    for (const { host, state, sinceMs } of this.#table.sorted()) {
      const { forgetDeadMs, forgetLeftMs } = this.#params;
      const keepMs = state === "dead" ? forgetDeadMs : state === "left" ? forgetLeftMs : Infinity;
      if (nowMs - sinceMs < keepMs) continue;
      this.#table.delete(host);
      this.#ride.remove(host);
      const because = `${state} for ${Math.round(keepMs / 3_600_000)} h`;
      this.#outbox.push({ type: "changed", host, state: undefined, previous: state, because });
    }
  }
}

/** A verdict is refuted by a higher incarnation only; a restart or a leave by any newer record. */
function provesLife(member: Member, incarnation: number): boolean {
  if (incarnation > member.incarnation) return true;
  return member.restarting || member.state === "left";
}
