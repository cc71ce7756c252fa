import { Prng } from "#lib/base/prng.ts";
import { Membership } from "#lib/membership/membership.ts";
import type { MembershipOrder } from "#lib/membership/order.ts";
import { membershipDefaults } from "#lib/membership/params.ts";
import type { RecordVersion } from "#lib/model/record.ts";
import { compareRecordVersions } from "#lib/model/record.ts";
import type { DatagramMessage } from "#lib/wire/messages.ts";

/** One state change as a member saw it. */
export interface SeenChange {
  readonly atMs: number;
  readonly by: string;
  readonly host: string;
  readonly state: string | undefined;
}

export interface FleetOptions {
  readonly count: number;
  readonly seed: number;
  /** Share of datagrams lost. */
  readonly lossShare?: number;
  /** How late the timers of a host come, at random up to this. */
  readonly latenessMsMax?: (host: string) => number;
  /** How late the acks of a host leave, at random up to this. */
  readonly ackDelayMsMax?: (host: string) => number;
}

interface Task {
  readonly atMs: number;
  readonly order: number;
  /** The host in which it happens; it waits while that host is stopped. */
  readonly host: string;
  readonly run: () => void;
}

interface Host {
  readonly name: string;
  readonly membership: Membership;
  readonly records: Map<string, RecordVersion>;
  running: boolean;
  stoppedUntilMs: number;
  armedForMs: number | undefined;
  armed: number;
}

const NEIGHBOURS = 6;
const GOSSIP_INTERVAL_MS = 1000;

/**
 * N memberships on a virtual clock: a network that delays and loses datagrams, streams that only
 * delay, news within half a second, push-pull once a second with a random member.
 */
export class MembershipFleet {
  readonly changes: SeenChange[] = [];
  nowMs = 0;
  /** Orders given so far, by type: what each would cost. */
  readonly ordered = new Map<string, number>();
  readonly #prng: Prng;
  readonly #options: FleetOptions;
  readonly #hosts = new Map<string, Host>();
  #tasks: Task[] = [];
  #order = 0;
  #cut: (a: string, b: string) => boolean = () => false;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#prng = new Prng(options.seed);
    const names = Array.from({ length: options.count }, (_, i) => `h${String(i).padStart(2, "0")}`);
    for (const name of names) this.#addHost(name);
    for (const host of this.#hosts.values()) {
      for (const other of names)
        if (other !== host.name) this.#learn(host, other, { incarnation: 0, seq: 1 });
      this.#gossipLater(host);
    }
  }

  get names(): string[] {
    return [...this.#hosts.keys()];
  }

  membership(name: string): Membership {
    return this.#host(name).membership;
  }

  /** kill -9: its sockets close, so its neighbours notice; with `silently`, as by a power cut. */
  kill(name: string, silently = false): void {
    this.#host(name).running = false;
    if (silently) return;
    const others = this.#prng.sample(
      this.names.filter((other) => other !== name),
      NEIGHBOURS,
    );
    for (const other of others) {
      this.#at(other, 1 + this.#prng.nextInt(5), (host) =>
        host.membership.peerDisconnected(name, this.nowMs),
      );
    }
  }

  /** SIGSTOP now, SIGCONT later: what arrives waits in the queues of the kernel. */
  stop(name: string, forMs: number): void {
    this.#host(name).stoppedUntilMs = this.nowMs + forMs;
  }

  /** Nothing passes between hosts for which `cut` is true, in both directions. */
  partition(cut: (a: string, b: string) => boolean): void {
    this.#cut = cut;
  }

  heal(): void {
    this.#cut = () => false;
  }

  leave(name: string, presence: "restarting" | "left"): void {
    for (const other of this.#hosts.values()) {
      if (other.name === name) continue;
      this.#at(other.name, 100, (host) =>
        host.membership.memberSeen(name, 0, presence, this.nowMs),
      );
    }
    this.#host(name).running = false;
  }

  runFor(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      const task = this.#tasks[0];
      if (!task || task.atMs > endMs) break;
      popTask(this.#tasks);
      this.nowMs = Math.max(this.nowMs, task.atMs);
      this.#perform(task);
    }
    this.nowMs = endMs;
  }

  /** Runs until `holds`, looked at every 50 ms; the virtual time it took, or Infinity. */
  runUntil(holds: () => boolean, limitMs: number): number {
    const startMs = this.nowMs;
    while (this.nowMs - startMs < limitMs) {
      if (holds()) return this.nowMs - startMs;
      this.runFor(50);
    }
    return holds() ? limitMs : Number.POSITIVE_INFINITY;
  }

  /** True when each running host but `name` holds `name` to be in that state. */
  allSee(name: string, state: string): boolean {
    return [...this.#hosts.values()].every(
      (host) => !host.running || host.name === name || host.membership.stateOf(name) === state,
    );
  }

  allAlive(): boolean {
    return this.names.every((name) => this.allSee(name, "alive"));
  }

  #addHost(name: string): void {
    const membership = new Membership({
      self: name,
      incarnation: 0,
      params: membershipDefaults,
      prng: new Prng(`${this.#options.seed}/${name}`),
    });
    const host: Host = {
      name,
      membership,
      records: new Map([[name, { incarnation: 0, seq: 1 }]]),
      running: true,
      stoppedUntilMs: 0,
      armedForMs: undefined,
      armed: 0,
    };
    this.#hosts.set(name, host);
  }

  #host(name: string): Host {
    const host = this.#hosts.get(name);
    if (!host) throw new Error(`no host ${name}`);
    return host;
  }

  #perform(task: Task): void {
    const host = this.#host(task.host);
    if (!host.running) return;
    if (host.stoppedUntilMs > this.nowMs)
      pushTask(this.#tasks, { ...task, atMs: host.stoppedUntilMs });
    else task.run();
  }

  #later(name: string, delayMs: number, run: () => void): void {
    pushTask(this.#tasks, { atMs: this.nowMs + delayMs, order: this.#order++, host: name, run });
  }

  #at(name: string, delayMs: number, act: (host: Host) => MembershipOrder[]): void {
    this.#later(name, delayMs, () => {
      const host = this.#host(name);
      this.#obey(host, act(host));
    });
  }

  #obey(host: Host, orders: readonly MembershipOrder[]): void {
    for (const order of orders) this.#do(host, order);
    this.#arm(host);
  }

  #do(host: Host, order: MembershipOrder): void {
    this.ordered.set(order.type, (this.ordered.get(order.type) ?? 0) + 1);
    switch (order.type) {
      case "datagram":
        if (this.#prng.nextShare() >= (this.#options.lossShare ?? 0))
          this.#deliver(host, order, "datagram");
        return;
      case "send":
        this.#deliver(host, order, "stream");
        return;
      case "spread":
        this.#news(host, (other) => other.membership.verdictHeard(order.verdict, this.nowMs));
        return;
      case "refute":
        this.#publish(host, order.incarnation);
        return;
      case "changed":
        this.changes.push({
          atMs: this.nowMs,
          by: host.name,
          host: order.host,
          state: order.state,
        });
    }
  }

  #deliver(
    host: Host,
    order: { to: string; message: DatagramMessage },
    via: "datagram" | "stream",
  ): void {
    const { to, message } = order;
    if (this.#cut(host.name, to)) return;
    const lateMs = message.type === "ack" ? (this.#options.ackDelayMsMax?.(host.name) ?? 0) : 0;
    const resendMs =
      via === "stream" && this.#prng.nextShare() < (this.#options.lossShare ?? 0) ? 300 : 0;
    const delayMs =
      1 + this.#prng.nextInt(5) + resendMs + Math.floor(this.#prng.nextShare() * lateMs);
    this.#at(to, delayMs, (other) =>
      other.membership.messageReceived(host.name, via, message, this.nowMs),
    );
  }

  #news(host: Host, act: (other: Host) => MembershipOrder[]): void {
    for (const other of this.names) {
      if (other === host.name || this.#cut(host.name, other)) continue;
      this.#at(other, 20 + this.#prng.nextInt(400), act);
    }
  }

  #publish(host: Host, incarnation: number): void {
    const record = { incarnation, seq: (host.records.get(host.name)?.seq ?? 0) + 1 };
    host.records.set(host.name, record);
    this.#news(host, (other) => this.#accept(other, host.name, record));
  }

  #learn(host: Host, about: string, record: RecordVersion): void {
    this.#at(host.name, 0, () => this.#accept(host, about, record));
  }

  #accept(host: Host, about: string, record: RecordVersion): MembershipOrder[] {
    const known = host.records.get(about);
    if (about === host.name || (known && compareRecordVersions(record, known) <= 0)) return [];
    host.records.set(about, record);
    return host.membership.memberSeen(about, record.incarnation, "here", this.nowMs);
  }

  #gossipLater(host: Host): void {
    this.#later(host.name, GOSSIP_INTERVAL_MS * (0.9 + 0.2 * this.#prng.nextShare()), () => {
      const partner = this.#prng.pick(this.names.filter((name) => name !== host.name));
      if (partner !== undefined && !this.#cut(host.name, partner))
        this.#exchange(host.name, partner);
      this.#gossipLater(host);
    });
  }

  /** Both sides learn the other's records and verdicts, one message each way. */
  #exchange(a: string, b: string): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const sender = this.#host(from);
      if (!sender.running || sender.stoppedUntilMs > this.nowMs) continue;
      const records = [...sender.records];
      const verdicts = sender.membership.verdicts();
      this.#at(to, 5, (host) => [
        ...records.flatMap(([about, record]) => this.#accept(host, about, record)),
        ...verdicts.flatMap((verdict) => host.membership.verdictHeard(verdict, this.nowMs)),
      ]);
    }
  }

  #arm(host: Host): void {
    const dueMs = host.membership.nextTimeoutMs();
    if (dueMs === undefined || dueMs === host.armedForMs) return;
    host.armedForMs = dueMs;
    const generation = ++host.armed;
    const lateMs = this.#prng.nextShare() * (this.#options.latenessMsMax?.(host.name) ?? 0);
    this.#at(host.name, Math.max(0, dueMs - this.nowMs) + lateMs, () => {
      if (generation !== host.armed) return [];
      host.armedForMs = undefined;
      return host.membership.timeout(this.nowMs);
    });
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** A binary heap: thousands of tasks wait at any moment. */
function pushTask(heap: Task[], task: Task): void {
  let place = heap.push(task) - 1;
  while (place > 0) {
    const parent = (place - 1) >> 1;
    const above = heap[parent] as Task;
    if (!isBefore(task, above)) break;
    heap[place] = above;
    place = parent;
  }
  heap[place] = task;
}

function popTask(heap: Task[]): void {
  const last = heap.pop();
  if (!last || heap.length === 0) return;
  let place = 0;
  for (;;) {
    let child = 2 * place + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Task, heap[child] as Task)) child++;
    if (!isBefore(heap[child] as Task, last)) break;
    heap[place] = heap[child] as Task;
    place = child;
  }
  heap[place] = last;
}
