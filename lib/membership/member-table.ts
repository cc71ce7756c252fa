import { compareText } from "../base/ordered.ts";
import type { HostId } from "../model/ids.ts";
import type { MemberState } from "../model/verdict.ts";

export interface Member {
  readonly host: HostId;
  readonly state: MemberState;
  readonly incarnation: number;
  /** When it came into this state, by the own monotonic clock. */
  readonly sinceMs: number;
  /** True while it is awaited back from a restart that it announced; its state is then suspect. */
  readonly restarting: boolean;
}

/** Everybody but this member itself, by host id. Entries are replaced, never changed. */
export class MemberTable {
  readonly #members = new Map<HostId, Member>();
  #sorted: readonly Member[] | null = null;
  #aliveCount = 0;
  #endedCount = 0;

  get(host: HostId): Member | undefined {
    return this.#members.get(host);
  }

  set(member: Member): void {
    this.#count(this.#members.get(member.host), -1);
    this.#members.set(member.host, member);
    this.#count(member, 1);
    this.#sorted = null;
  }

  delete(host: HostId): void {
    const member = this.#members.get(host);
    if (!member) return;
    this.#count(member, -1);
    this.#members.delete(host);
    this.#sorted = null;
  }

  get aliveCount(): number {
    return this.#aliveCount;
  }

  get allAlive(): boolean {
    return this.#aliveCount === this.#members.size;
  }

  /** Members that are dead or left. */
  get endedCount(): number {
    return this.#endedCount;
  }

  /** All members in the order of their host ids. */
  sorted(): readonly Member[] {
    this.#sorted ??= [...this.#members.values()].sort((a, b) => compareText(a.host, b.host));
    return this.#sorted;
  }

  hostsIn(state: MemberState): HostId[] {
    const hosts: HostId[] = [];
    for (const member of this.sorted()) if (member.state === state) hosts.push(member.host);
    return hosts;
  }

  #count(member: Member | undefined, by: number): void {
    if (member?.state === "alive") this.#aliveCount += by;
    if (member?.state === "dead" || member?.state === "left") this.#endedCount += by;
  }
}
