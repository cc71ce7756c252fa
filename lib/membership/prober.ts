import { Deadlines } from "../base/deadlines.ts";
import type { Prng } from "../base/prng.ts";
import type { HostId } from "../model/ids.ts";
import type { AckMessage, IndirectProbeMessage, ProbeMessage } from "../wire/messages.ts";
import type { Awareness } from "./awareness.ts";
import type { MemberTable } from "./member-table.ts";
import type { Outbox } from "./outbox.ts";
import type { MembershipParams } from "./params.ts";
import { ProbeOrder } from "./probe-order.ts";
import type { Probe } from "./probes.ts";
import { Probes } from "./probes.ts";
import { Relays } from "./relays.ts";

export interface ProberOptions {
  readonly params: MembershipParams;
  readonly prng: Prng;
  readonly awareness: Awareness;
  readonly table: MemberTable;
  readonly outbox: Outbox;
}

/** Asks the members in turn whether they are there, and says who did not answer. Judges nobody. */
export class Prober {
  readonly #params: MembershipParams;
  readonly #prng: Prng;
  readonly #awareness: Awareness;
  readonly #table: MemberTable;
  readonly #outbox: Outbox;
  readonly #order: ProbeOrder;
  readonly #probes = new Probes();
  readonly #relays: Relays;
  /** Probes out of turn that wait for their random moment. */
  readonly #prompt = new Deadlines<HostId>();
  /** Members that our probes found silent, and that have not proved their life since. */
  readonly #silent = new Set<HostId>();
  #roundAtMs: number | undefined;
  #knockAtMs = 0;
  #heardAtMs = -Infinity;

  constructor(options: ProberOptions) {
    this.#params = options.params;
    this.#prng = options.prng;
    this.#awareness = options.awareness;
    this.#table = options.table;
    this.#outbox = options.outbox;
    this.#order = new ProbeOrder(options.prng);
    this.#relays = new Relays(options.params.relaysMax);
  }

  memberAdded(host: HostId, nowMs: number): void {
    this.#order.add(host);
    this.#roundAtMs ??= nowMs + this.#prng.nextInt(this.#params.probeIntervalMs);
  }

  memberForgotten(host: HostId): void {
    this.#order.remove(host);
    this.memberSettled(host);
  }

  /** Nothing more needs to be asked of the host: it proved its life, died or left. */
  memberSettled(host: HostId): void {
    this.#probes.end(host);
    this.#prompt.stop(host);
    this.#silent.delete(host);
  }

  /** Probes a member out of turn, within the time over which such probes are spread. */
  probeSoon(host: HostId, nowMs: number): void {
    if (this.#probes.has(host) || this.#prompt.has(host)) return;
    this.#prompt.set(host, nowMs + this.#prng.nextInt(this.#params.promptProbeSpreadMs));
  }

  /** Something of a member arrived: it and the way to it live. Silent ones are told what is said. */
  heard(host: HostId, nowMs: number): void {
    this.#heardAtMs = nowMs;
    const member = this.#table.get(host);
    if (!member || member.restarting) return;
    if (member.state === "suspect" || member.state === "dead") this.#begin(host, "knock", nowMs);
  }

  /** The member whose probe this ack answers; undefined for an ack that nobody waits for. */
  acked(from: HostId, ack: AckMessage, nowMs: number): HostId | undefined {
    this.#heardAtMs = nowMs;
    this.#passOn(from, ack, nowMs);
    const probe = this.#probes.answeredBy(from, ack.nonce);
    if (!probe) return undefined;
    this.#probes.end(probe.target);
    const inTime = probe.helpers === null;
    if (from === probe.target && inTime) this.#awareness.lower();
    return probe.target;
  }

  /** Probes `target` in the place of `requester`. */
  relay(requester: HostId, message: IndirectProbeMessage, nowMs: number): void {
    const member = this.#table.get(message.target);
    if (!member) return;
    const nonce = this.#prng.nextUint32();
    const untilMs = nowMs + this.#params.relayTimeoutMs;
    const { target } = message;
    this.#relays.add(nonce, { requester, nonce: message.nonce, target, untilMs });
    const probe = {
      type: "probe",
      nonce,
      incarnation: member.incarnation,
      suspected: false,
    } as const;
    this.#outbox.push({ type: "datagram", to: target, message: probe });
  }

  /** Performs what is due; returns the probes answered neither directly nor through others. */
  timeout(nowMs: number): readonly Probe[] {
    const unanswered: Probe[] = [];
    for (const probe of this.#probes.due(nowMs)) {
      if (probe.kind !== "knock" && !probe.helpers) this.#askHelpers(probe, nowMs);
      else if (this.#ended(probe, nowMs)) unanswered.push(probe);
    }
    for (const host of this.#prompt.due(nowMs)) this.#begin(host, this.#kindFor(host), nowMs);
    if (this.#roundAtMs !== undefined && nowMs >= this.#roundAtMs) this.#round(nowMs);
    return unanswered;
  }

  /** Lowers the trust in this host itself when nobody at all was heard during a probe. */
  doubtSelf(unanswered: readonly Probe[]): void {
    for (const { startedAtMs } of unanswered) {
      if (this.#heardAtMs < startedAtMs) this.#awareness.raise(1);
    }
  }

  nextMs(): number | undefined {
    return earliest(this.#roundAtMs, earliest(this.#probes.nextMs(), this.#prompt.nextMs()));
  }

  prolong(latenessMs: number, nowMs: number): void {
    this.#probes.prolong(latenessMs, nowMs);
  }

  #round(nowMs: number): void {
    const { probeIntervalMs, jitterShare, deadProbeIntervalMs } = this.#params;
    const jitter = 1 + jitterShare * (2 * this.#prng.nextShare() - 1);
    this.#roundAtMs = nowMs + probeIntervalMs * jitter;
    const host = this.#order.next((candidate) => this.#inTurn(candidate));
    if (host !== undefined) this.#begin(host, this.#kindFor(host), nowMs);
    if (nowMs < this.#knockAtMs) return;
    this.#knockAtMs = nowMs + deadProbeIntervalMs;
    if (this.#table.endedCount === 0) return;
    const dead = this.#prng.pick(this.#table.hostsIn("dead"));
    if (dead !== undefined) this.#begin(dead, "knock", nowMs);
  }

  #inTurn(host: HostId): boolean {
    const member = this.#table.get(host);
    if (!member || member.restarting || this.#probes.has(host)) return false;
    return member.state === "alive" || member.state === "suspect";
  }

  #kindFor(host: HostId): Probe["kind"] {
    const state = this.#table.get(host)?.state;
    if (state === "dead" || state === "left") return "knock";
    return this.#silent.has(host) ? "repeat" : "full";
  }

  #begin(target: HostId, kind: Probe["kind"], nowMs: number): void {
    if (this.#probes.has(target) || this.#probes.count >= this.#params.probesMax) return;
    const nonce = this.#prng.nextUint32();
    const timeoutMs = this.#awareness.scaleProbe(this.#params.probeTimeoutMs);
    const probe: Probe = {
      nonce,
      target,
      kind,
      startedAtMs: nowMs,
      helpers: null,
      timeoutMs,
      prolonged: false,
    };
    this.#probes.begin(probe, nowMs);
    this.#outbox.push({ type: "datagram", to: target, message: this.#message(probe) });
  }

  #message(probe: Probe): ProbeMessage {
    const member = this.#table.get(probe.target);
    const suspected = member?.state === "suspect" || member?.state === "dead";
    return { type: "probe", nonce: probe.nonce, incarnation: member?.incarnation ?? 0, suspected };
  }

  /** The direct way was silent: ask through others, and once over the stream (UDP may be blocked). */
  #askHelpers(probe: Probe, nowMs: number): void {
    const { indirectProbes, indirectTimeoutMs } = this.#params;
    const { nonce, target } = probe;
    const others = this.#table.hostsIn("alive").filter((host) => host !== target);
    const helpers = probe.kind === "full" ? this.#prng.sample(others, indirectProbes) : [];
    const timeoutMs = this.#awareness.scaleProbe(indirectTimeoutMs);
    this.#probes.begin({ ...probe, helpers, timeoutMs, prolonged: false }, nowMs);
    for (const to of helpers) {
      this.#outbox.push({
        type: "datagram",
        to,
        message: { type: "indirectProbe", nonce, target },
      });
    }
    this.#outbox.push({ type: "send", to: target, message: this.#message(probe) });
  }

  /** True when the silence counts against the member. */
  #ended(probe: Probe, nowMs: number): boolean {
    this.#probes.end(probe.target);
    if (probe.kind === "knock") return false;
    this.#silent.add(probe.target);
    this.#prompt.set(probe.target, nowMs + this.#params.suspectProbeIntervalMs);
    return true;
  }

  #passOn(from: HostId, ack: AckMessage, nowMs: number): void {
    const relay = this.#relays.take(from, ack.nonce, nowMs);
    if (!relay) return;
    const message = { type: "ack", nonce: relay.nonce, incarnation: ack.incarnation } as const;
    this.#outbox.push({ type: "datagram", to: relay.requester, message });
  }
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : Math.min(a, b);
}
