import type { Prng } from "../base/prng.ts";
import type { Presence } from "../model/host.ts";
import type { HostId } from "../model/ids.ts";
import type { MemberState, Verdict } from "../model/verdict.ts";
import type { DatagramMessage, ProbeMessage } from "../wire/messages.ts";
import { Awareness } from "./awareness.ts";
import { Judge } from "./judge.ts";
import type { Member } from "./member-table.ts";
import { MemberTable } from "./member-table.ts";
import type { MembershipOrder } from "./order.ts";
import { Outbox } from "./outbox.ts";
import type { MembershipParams } from "./params.ts";
import { Prober } from "./prober.ts";
import { isCredibleIncarnation, refutedIncarnation } from "./refutation.ts";

export interface MembershipOptions {
  readonly self: HostId;
  readonly incarnation: number;
  readonly params: MembershipParams;
  readonly prng: Prng;
}

type Via = "stream" | "datagram" | "news";

/**
 * Who is there: SWIM with Lifeguard's local health (arXiv:1707.00788), without I/O.
 * Responsible for: probing the members in turn, suspicion, verdicts and their refutation.
 * How: each call takes the time and returns orders; `Prober` asks, `Judge` alone changes states.
 * Never does: decide what happens to a VM (only journals do), or learn of members by itself: the
 * core tells it of each summary record accepted.
 */
export class Membership {
  readonly #self: HostId;
  readonly #params: MembershipParams;
  readonly #outbox = new Outbox();
  readonly #table = new MemberTable();
  readonly #awareness: Awareness;
  readonly #judge: Judge;
  readonly #prober: Prober;
  readonly #prng: Prng;
  #incarnation: number;
  /** Lateness up to here has been accounted for. */
  #noticedUntilMs = -Infinity;

  constructor(options: MembershipOptions) {
    const { self, params, prng } = options;
    this.#self = self;
    this.#params = params;
    this.#prng = prng;
    this.#incarnation = options.incarnation;
    this.#awareness = new Awareness(params.healthScoreMax);
    const shared = { params, prng, awareness: this.#awareness, table: this.#table };
    this.#judge = new Judge({ ...shared, self, outbox: this.#outbox });
    this.#prober = new Prober({ ...shared, outbox: this.#outbox });
  }

  get incarnation(): number {
    return this.#incarnation;
  }

  /** Local health: 0 is healthy; each step makes this host slower to blame others. */
  get healthScore(): number {
    return this.#awareness.score;
  }

  /** When `timeout` wants to be called; undefined for never. Ask again after every call. */
  nextTimeoutMs(): number | undefined {
    const probeMs = this.#prober.nextMs();
    const judgeMs = this.#judge.nextMs();
    if (probeMs === undefined || judgeMs === undefined) return probeMs ?? judgeMs;
    return Math.min(probeMs, judgeMs);
  }

  /** A newer summary record of `host` was accepted. */
  memberSeen(
    host: HostId,
    incarnation: number,
    presence: Presence,
    nowMs: number,
  ): MembershipOrder[] {
    if (host === this.#self) return [];
    this.#noticeLateness(nowMs);
    this.#judge.recordSeen(host, { incarnation, presence }, nowMs);
    return this.#settle(nowMs);
  }

  /** `from` is proved by the transport. News carries no probes: such a message is ignored. */
  messageReceived(
    from: HostId,
    via: Via,
    message: DatagramMessage,
    nowMs: number,
  ): MembershipOrder[] {
    if (via === "news" || from === this.#self) return [];
    this.#noticeLateness(nowMs);
    if (message.type === "probe") this.#answer(from, via, message);
    else if (message.type === "indirectProbe") this.#prober.relay(from, message, nowMs);
    else {
      const proved = this.#prober.acked(from, message, nowMs);
      if (proved !== undefined) this.#judge.ackProved(proved, message.incarnation, nowMs);
    }
    this.#prober.heard(from, nowMs);
    return this.#settle(nowMs);
  }

  /** A verdict that rode on gossip or came as news. One against this member is refuted at once. */
  verdictHeard(verdict: Verdict, nowMs: number): MembershipOrder[] {
    this.#noticeLateness(nowMs);
    if (verdict.host === this.#self) {
      this.#refute({ incarnation: verdict.incarnation, accused: true });
    } else if (this.#judge.verdictHeard(verdict, nowMs) && this.#givesSecondOpinion()) {
      this.#prober.probeSoon(verdict.host, nowMs);
    }
    return this.#settle(nowMs);
  }

  /** A stream stands: whoever counts as suspect or dead is asked at once. */
  peerConnected(host: HostId, nowMs: number): MembershipOrder[] {
    this.#noticeLateness(nowMs);
    this.#prober.heard(host, nowMs);
    return this.#settle(nowMs);
  }

  /** A stream is gone: a reason to probe at once, never a death. */
  peerDisconnected(host: HostId, nowMs: number): MembershipOrder[] {
    this.#noticeLateness(nowMs);
    if (this.#table.get(host)?.state === "alive") this.#prober.probeSoon(host, nowMs);
    return this.#settle(nowMs);
  }

  timeout(nowMs: number): MembershipOrder[] {
    this.#noticeLateness(nowMs);
    const unanswered = this.#prober.timeout(nowMs);
    for (const probe of unanswered) this.#judge.probeFailed(probe.target, nowMs);
    this.#prober.doubtSelf(unanswered);
    this.#judge.timeout(nowMs);
    return this.#settle(nowMs);
  }

  /** Forgets a member without a word: it gave way to another where there are too many to know. */
  forget(host: HostId): void {
    this.#judge.forget(host);
    this.#prober.memberForgotten(host);
  }

  /** Members that are alive, without this one. */
  get aliveCount(): number {
    return this.#table.aliveCount;
  }

  /** True while nobody who is known is suspect, dead or gone. */
  get allAlive(): boolean {
    return this.#table.allAlive;
  }

  /** Undefined for a host that is no member, and for this one. */
  stateOf(host: HostId): MemberState | undefined {
    return this.#table.get(host)?.state;
  }

  /** True while it is awaited back from a restart that it announced. */
  isRestarting(host: HostId): boolean {
    return this.#table.get(host)?.restarting ?? false;
  }

  /** Everybody but this member, in the order of their host ids. */
  members(): readonly Member[] {
    return this.#table.sorted();
  }

  /** Verdicts to ride on gossip, newest first, at most `wireLimits.verdictsMax`. */
  verdicts(): readonly Verdict[] {
    return this.#judge.verdicts();
  }

  /**
   * Learned from outside (an old record of ours): never publish below it. Returns what holds now;
   * hearsay that no host can have come to is passed over.
   */
  raiseIncarnation(atLeast: number): number {
    if (!isCredibleIncarnation(this.#incarnation, atLeast)) return this.#incarnation;
    this.#incarnation = Math.max(this.#incarnation, atLeast);
    return this.#incarnation;
  }

  #answer(from: HostId, via: Via, probe: ProbeMessage): void {
    this.#refute({ incarnation: probe.incarnation, accused: probe.suspected });
    const message = { type: "ack", nonce: probe.nonce, incarnation: this.#incarnation } as const;
    this.#outbox.push({ type: via === "stream" ? "send" : "datagram", to: from, message });
  }

  #refute(claim: { incarnation: number; accused: boolean }): void {
    const incarnation = refutedIncarnation(this.#incarnation, claim);
    if (incarnation === this.#incarnation) return;
    this.#incarnation = incarnation;
    // Whoever had to refute was silent for others: it should doubt itself first.
    if (claim.accused) this.#awareness.raise(1);
    this.#outbox.push({ type: "refute", incarnation });
  }

  /** A few members, wherever the news arrives, look for themselves; not everybody at once. */
  #givesSecondOpinion(): boolean {
    const hearers = Math.max(1, this.#table.aliveCount);
    return this.#prng.nextShare() < this.#params.secondOpinions / hearers;
  }

  /** The own loop stood still: blame this host first, and give everybody the lost time back. */
  #noticeLateness(nowMs: number): void {
    const dueMs = this.nextTimeoutMs();
    if (dueMs === undefined) return;
    const latenessMs = nowMs - Math.max(dueMs, this.#noticedUntilMs);
    if (latenessMs < this.#params.latenessMs) return;
    this.#noticedUntilMs = nowMs;
    this.#awareness.raise(1 + Math.floor(latenessMs / 1000));
    this.#prober.prolong(latenessMs, nowMs);
    this.#judge.postpone(latenessMs);
  }

  /** Lets the prober follow the changes of this call, and hands the orders out. */
  #settle(nowMs: number): MembershipOrder[] {
    const orders = this.#outbox.take();
    for (const order of orders) {
      if (order.type !== "changed") continue;
      if (order.previous === undefined) this.#prober.memberAdded(order.host, nowMs);
      if (order.state === undefined) this.#prober.memberForgotten(order.host);
      else if (order.state !== "suspect") this.#prober.memberSettled(order.host);
    }
    return orders;
  }
}
