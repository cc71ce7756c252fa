import type { Prng } from "../base/prng.ts";
import type { Presence } from "../model/host.ts";
import type { HostId } from "../model/ids.ts";
import type { MemberState, Verdict } from "../model/verdict.ts";
import type { DatagramMessage } from "../wire/messages.ts";
import type { MembershipOrder } from "./order.ts";
import type { MembershipParams } from "./params.ts";

export interface MembershipOptions {
  readonly self: HostId;
  readonly incarnation: number;
  readonly params: MembershipParams;
  readonly prng: Prng;
}

export interface Member {
  readonly host: HostId;
  readonly state: MemberState;
  readonly incarnation: number;
  /** When it came into this state, by the own monotonic clock. */
  readonly sinceMs: number;
}

export class Membership {
  #incarnation: number;

  constructor(options: MembershipOptions) {
    this.#incarnation = options.incarnation;
  }
  get incarnation(): number {
    return this.#incarnation;
  }
  /** 0 is healthy; each step makes the host slower to blame others. */
  get healthScore(): number {
    return 0;
  }
  nextTimeoutMs(): number | undefined {
    return undefined;
  }
  start(_nowMs: number): void {}
  memberSeen(
    _host: HostId,
    _incarnation: number,
    _presence: Presence,
    _nowMs: number,
  ): MembershipOrder[] {
    return [];
  }
  messageReceived(
    _from: HostId,
    _via: "stream" | "datagram" | "news",
    _message: DatagramMessage,
    _nowMs: number,
  ): MembershipOrder[] {
    return [];
  }
  verdictHeard(_verdict: Verdict, _nowMs: number): MembershipOrder[] {
    return [];
  }
  peerConnected(_host: HostId, _nowMs: number): MembershipOrder[] {
    return [];
  }
  peerDisconnected(_host: HostId, _nowMs: number): MembershipOrder[] {
    return [];
  }
  timeout(_nowMs: number): MembershipOrder[] {
    return [];
  }
  stateOf(_host: HostId): MemberState | undefined {
    return undefined;
  }
  members(): readonly Member[] {
    return [];
  }
  verdicts(): readonly Verdict[] {
    return [];
  }
  raiseIncarnation(atLeast: number): number {
    return Math.max(this.#incarnation, atLeast);
  }
}
