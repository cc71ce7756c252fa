import { assert } from "#lib/base/assert.ts";
import type { Effect, Notice } from "#lib/core/effects.ts";
import type { Event } from "#lib/core/events.ts";
import { Node } from "#lib/core/node.ts";
import type { NodeOptions } from "#lib/core/node-options.ts";
import type { Snapshot } from "#lib/core/snapshot.ts";
import type { Verb, VerbResult } from "#lib/model/verb.ts";
import type { AgentView, ProcessFigures } from "../ports/agent-view.ts";
import type { Channel } from "../ports/channel.ts";
import type { Clock } from "../ports/clock.ts";
import type { Hypervisor } from "../ports/hypervisor.ts";
import type { Journal } from "../ports/journal.ts";
import type { LoadSampler } from "../ports/load-sampler.ts";
import type { Log } from "../ports/log.ts";
import type { MemberHost } from "../ports/members.ts";
import type { KeepSwitch, KeptSwitch } from "../ports/switch-keeping.ts";
import type { Transport, TransportCounters } from "../ports/transport.ts";
import { CopyLister } from "./copy-lister.ts";
import { OpPerformer } from "./perform-op.ts";
import { VerbWaiters } from "./verb-waiters.ts";
import { withClockSkews } from "./with-clock-skews.ts";

const sampleIntervalMs = 1_000;
/** Timers of Node fire late, never early; a wake-up sooner than this would only spin. */
const wakeMsMin = 1;
const wakeMsMax = 60_000;
/** Effects that wait for the journal; more means that its disk stands still. */
const waitingEffectsMax = 10_000;

/** Everything but a datagram, which may overtake. */
type OrderedEffect = Exclude<Effect, { type: "datagram" }>;

export interface RuntimeOptions {
  readonly node: NodeOptions;
  readonly bootId: string;
  /** 16 hex digits, random per process start. */
  readonly instance: string;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly transport: Transport;
  readonly hypervisor: Hypervisor;
  readonly channel: Channel;
  readonly channelAddress: string | null;
  /** Null where this host takes no members. */
  readonly members?: MemberHost | null;
  /** Null where this host has no switch. */
  readonly keepSwitch?: KeepSwitch | null;
  readonly sampler: LoadSampler;
  readonly log: Log;
  /** Called at every turn of the loop: feeds the watchdog. */
  readonly turned: () => void;
  /** Called when the agent must not go on: a failed journal write, a broken assertion. */
  readonly failed: (error: unknown) => void;
}

/**
 * The only loop of the agent: event -> step -> effects -> one timer. Performs effects in the order
 * given, and lets a `persist` finish before anything after it, this step's or a later one's; only
 * datagrams overtake. Decides nothing.
 */
export class Runtime implements AgentView {
  readonly #options: RuntimeOptions;
  readonly #node: Node;
  readonly #ops: OpPerformer;
  readonly #lister: CopyLister;
  readonly #verbs: VerbWaiters;
  readonly #switch: KeptSwitch | null;
  readonly #listeners = new Set<(notice: Notice, wallMs: number) => void>();
  readonly #waiting: OrderedEffect[] = [];
  #startedAtMs = 0;
  #performing = false;
  #stopped = false;
  #forgetTimer: (() => void) | null = null;
  #stopSampling: (() => void) | null = null;
  #stopWatching: (() => void) | null = null;

  constructor(options: RuntimeOptions) {
    this.#options = options;
    this.#node = new Node(options.node);
    this.#ops = new OpPerformer({
      hypervisor: options.hypervisor,
      channel: options.channel,
      channelAddress: options.channelAddress,
      members: options.members ?? null,
      progressed: (progress) => this.#step({ type: "transferProgressed", progress }),
    });
    this.#lister = new CopyLister(options, (copies) =>
      this.#step({ type: "copiesListed", copies }),
    );
    this.#verbs = new VerbWaiters(options.clock);
    this.#switch =
      options.keepSwitch?.(({ views, problem }) =>
        this.#step({ type: "switchObserved", backends: views, problem }),
      ) ?? null;
  }

  /** Resolves the journal and looks at the guests; the network may start after it. */
  async start(): Promise<void> {
    const { journal, hypervisor, clock, instance, bootId } = this.#options;
    const lines = await journal.readAll();
    const copies = await hypervisor.list();
    this.#startedAtMs = clock.nowMs();
    this.#step({
      type: "started",
      journal: lines,
      copies,
      hypervisor: hypervisor.facts(),
      addresses: [],
      probePort: 0,
      wallOffsetMs: clock.wallMs() - clock.nowMs(),
      bootId,
      instance,
    });
    this.#stopWatching = hypervisor.watch(() => this.#lister.relist());
    this.#sampleLater();
  }

  /** Joins the network: from here on others are heard. */
  startTransport(): Promise<void> {
    return this.#options.transport.start({
      messageReceived: (from, via, message) =>
        this.#step({ type: "messageReceived", from, via, message }),
      peerConnected: (host) => this.#step({ type: "peerConnected", host }),
      peerDisconnected: (host) => this.#step({ type: "peerDisconnected", host }),
      addressesChanged: (addresses, probePort) =>
        this.#step({ type: "addressesChanged", addresses, probePort }),
    });
  }

  /**
   * Tells the others, waits for what is being written, lets go of the guests. They await this host
   * back unless it leaves for good.
   */
  async stop({ forGood = false } = {}): Promise<void> {
    this.#step({ type: "leaveAsked", forGood });
    await this.#idle();
    this.#stopped = true;
    this.#forgetTimer?.();
    this.#stopSampling?.();
    this.#stopWatching?.();
    this.#ops.stop();
    this.#verbs.stop();
    await this.#switch?.stop();
  }

  snapshot(): Snapshot {
    const { clock, transport } = this.#options;
    return withClockSkews(this.#node.snapshot(clock.nowMs()), transport.clockSkewsMs());
  }

  ask(verb: Verb): Promise<VerbResult> {
    const { requestId, result } = this.#verbs.add();
    if (requestId !== null) this.#step({ type: "verbAsked", requestId, verb });
    return result;
  }

  onNotice(listener: (notice: Notice, wallMs: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  counters(): TransportCounters {
    return this.#options.transport.counters();
  }

  processFigures(): ProcessFigures {
    const { user, system } = process.cpuUsage();
    return {
      uptimeMs: this.#options.clock.nowMs() - this.#startedAtMs,
      residentBytes: process.memoryUsage.rss(),
      cpuMs: (user + system) / 1000,
    };
  }

  #step(event: Event): void {
    if (this.#stopped) return;
    const { clock, failed, turned } = this.#options;
    try {
      const effects = this.#node.step(event, clock.nowMs());
      for (const effect of effects) {
        if (effect.type === "datagram") this.#options.transport.datagram(effect.to, effect.message);
        else this.#waiting.push(effect);
      }
      assert(this.#waiting.length <= waitingEffectsMax, "the journal's disk stands still");
    } catch (error) {
      this.#stopped = true;
      failed(error);
      return;
    }
    turned();
    this.#armTimer();
    this.#performWaiting();
  }

  #armTimer(): void {
    this.#forgetTimer?.();
    const at = this.#node.nextTimeoutMs;
    if (at === undefined) return;
    const delayMs = Math.min(wakeMsMax, Math.max(wakeMsMin, at - this.#options.clock.nowMs()));
    this.#forgetTimer = this.#options.clock.after(delayMs, () => this.#step({ type: "timeout" }));
  }

  #performWaiting(): void {
    if (this.#performing) return;
    this.#performing = true;
    this.#performAll()
      .catch((error: unknown) => {
        this.#stopped = true;
        this.#options.failed(error);
      })
      .finally(() => {
        this.#performing = false;
      });
  }

  async #performAll(): Promise<void> {
    for (let effect = this.#waiting.shift(); effect; effect = this.#waiting.shift()) {
      if (effect.type === "persist") await this.#options.journal.write(effect.entries);
      else this.#perform(effect);
    }
  }

  #perform(effect: Exclude<OrderedEffect, { type: "persist" }>): void {
    const { transport } = this.#options;
    switch (effect.type) {
      case "send":
        transport.send(effect.to, effect.message);
        return;
      case "broadcast":
        transport.broadcast(effect.message);
        return;
      case "run":
        this.#run(effect);
        return;
      case "relist":
        this.#lister.relist();
        return;
      case "reply":
        this.#verbs.reply(effect.requestId, effect.result);
        return;
      case "peersKnown":
        transport.setPeers(effect.peers);
        return;
      case "switchWanted":
        this.#switch?.want(effect.backends, effect.leftovers);
        return;
      case "notice":
        this.#tell(effect.notice);
        return;
    }
  }

  #run({ opId, op }: Extract<Effect, { type: "run" }>): void {
    void this.#ops.perform(op).then((result) => {
      // A question changes nothing: what was listed meanwhile holds.
      if (op.op !== "askMember") this.#lister.opEnded();
      this.#step({ type: "opEnded", opId, result });
    });
  }

  #tell(notice: Notice): void {
    this.#options.log.write(notice.level, notice.message, { code: notice.code, ...notice.facts });
    const wallMs = this.#options.clock.wallMs();
    for (const listener of this.#listeners) listener(notice, wallMs);
  }

  #sampleLater(): void {
    if (this.#stopped) return;
    this.#stopSampling = this.#options.clock.after(sampleIntervalMs, () => {
      void this.#sample().finally(() => this.#sampleLater());
    });
  }

  async #sample(): Promise<void> {
    try {
      const sample = await this.#options.sampler.sample();
      if (sample) this.#step({ type: "loadSampled", host: sample.host, vms: sample.vms });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#options.log.write("debug", `no load sample this time: ${message}`);
    }
  }

  /** Until everything ordered so far has been performed. */
  async #idle(): Promise<void> {
    while (this.#performing) await new Promise((resolve) => setImmediate(resolve));
  }
}
