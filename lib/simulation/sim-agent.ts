import type { Prng } from "../base/prng.ts";
import type { Effect } from "../core/effects.ts";
import type { Event } from "../core/events.ts";
import type { Snapshot } from "../core/snapshot.ts";
import { copyRuns } from "../model/copy.ts";
import type { HostId } from "../model/ids.ts";
import type { WantedBackend } from "../model/switch.ts";
import type { Message } from "../wire/messages.ts";
import { HostOps } from "./host-ops.ts";
import type { CopyChange } from "./sim-host.ts";
import { simHypervisor } from "./sim-hypervisor.ts";
import type { SimMachine } from "./sim-machine.ts";
import type { SimNode } from "./sim-node.ts";
import type { SimSurroundings } from "./sim-surroundings.ts";
import type { SimSwitch } from "./sim-switch.ts";

const sampleMs = 1_000;
/** The hypervisor's list is told this long after the first of a burst of changes, ms. */
const listMs = 10;
/** From reading the list to its being an event, ms. */
const tellMsMax = 20;
/** From a wish to its being so at the switch, and between two looks at it, ms. */
const switchMsMax = 20;
const switchLookMs = 1_000;
/** A hung process' sockets hold so many packets; later ones are lost. */
const inboxMax = 4_096;

/**
 * One life of an agent's process: hands events to its node one at a time and performs the effects
 * as the real runtime does. Effects wait in line behind a `persist` that is not durable yet, those
 * of later steps as well; only datagrams and notices overtake.
 */
export class SimAgent {
  readonly #machine: SimMachine;
  readonly #world: SimSurroundings;
  readonly #node: SimNode;
  readonly #prng: Prng;
  readonly #ops: HostOps;
  #alive = true;
  #paused = false;
  #inbox: Event[] = [];
  #line: Effect[] = [];
  #persisting = false;
  #durableWhilePaused = false;
  #wanted: readonly WantedBackend[] | undefined;
  #listing = false;
  #cancelTimer: () => void = () => {};
  /** Virtual time of the next ring, which may come too early; infinite while none is set. */
  #ringsAtMs = Number.POSITIVE_INFINITY;

  constructor(options: {
    readonly machine: SimMachine;
    readonly world: SimSurroundings;
    readonly node: SimNode;
    readonly prng: Prng;
  }) {
    this.#machine = options.machine;
    this.#world = options.world;
    this.#node = options.node;
    this.#prng = options.prng;
    const { machine, world, prng } = options;
    this.#ops = new HostOps({
      machine,
      world,
      prng,
      progressed: (progress) => this.deliver({ type: "transferProgressed", progress }),
    });
  }

  get paused(): boolean {
    return this.#paused;
  }

  snapshot(): Snapshot {
    return this.#node.snapshot(this.#localMs());
  }

  start(): void {
    const { machine, world } = { machine: this.#machine, world: this.#world };
    this.deliver({
      type: "started",
      journal: machine.journal.lines(),
      copies: machine.host.list(),
      hypervisor: simHypervisor,
      addresses: [`/memory/${machine.id}`],
      probePort: 7001,
      wallOffsetMs: 1_700_000_000_000 - machine.clockOffsetMs,
      bootId: `${machine.id}.${machine.boots}`,
      instance: this.#prng.hex(16),
    });
    world.network.join(machine.id, {
      received: (from, via, message) => this.#received(from, via, message),
      connected: (host) => this.deliver({ type: "peerConnected", host }),
      disconnected: (host) => this.deliver({ type: "peerDisconnected", host }),
    });
    this.#sampleLater(this.#prng.nextShare() * sampleMs);
  }

  deliver(event: Event): void {
    if (!this.#alive) return;
    if (!this.#paused) this.#step(event);
    else if (this.#inbox.length < inboxMax) this.#inbox.push(event);
  }

  copyChanged(change: CopyChange): void {
    this.#ops.copyChanged(change);
    this.#listLater();
  }

  kill(): void {
    this.#alive = false;
    this.#cancelTimer();
    this.#ops.die();
    this.#machine.journal.crash();
    this.#world.network.leave(this.#machine.id);
    this.#world.channels.closeAll(this.#machine.id);
  }

  /** SIGSTOP: packets and the ends of orders wait; the channel and the hypervisor go on. */
  pause(): void {
    this.#paused = true;
    this.#ops.pause();
    this.#world.network.setResponsive(this.#machine.id, false);
  }

  /** SIGCONT. */
  proceed(): void {
    this.#paused = false;
    this.#world.network.setResponsive(this.#machine.id, true);
    const inbox = this.#inbox;
    this.#inbox = [];
    if (this.#durableWhilePaused) this.#persisted();
    if (this.#prng.nextShare() < 0.5) this.#ringIfDue();
    this.#ops.proceed();
    for (const event of inbox) this.deliver(event);
    this.#armTimer();
  }

  /** Timers that were set by the old time are looked at again. */
  clockJumped(): void {
    this.#armTimer();
  }

  #received(from: HostId, via: "stream" | "datagram" | "news", message: Message): void {
    this.deliver({ type: "messageReceived", from, via, message });
  }

  #localMs(): number {
    return this.#world.clock.nowMs + this.#machine.clockOffsetMs;
  }

  #step(event: Event, nowMs = this.#localMs()): void {
    const effects = this.#node.step(event, nowMs);
    if (this.#world.hears("stepped")) {
      this.#world.emit({ type: "stepped", host: this.#machine.id, event, effects });
    }
    for (const effect of effects) {
      if (effect.type === "datagram") {
        this.#world.network.datagram(this.#machine.id, effect.to, effect.message);
      } else if (effect.type !== "notice") this.#line.push(effect);
    }
    this.#perform();
    this.#armTimer();
  }

  #perform(): void {
    while (this.#alive && !this.#paused && !this.#persisting) {
      const effect = this.#line.shift();
      if (effect === undefined) return;
      this.#performOne(effect);
    }
  }

  #performOne(effect: Effect): void {
    const { network } = this.#world;
    const self = this.#machine.id;
    if ((effect.type === "send" || effect.type === "broadcast") && this.#world.hears("sent")) {
      this.#world.emit({ type: "sent", host: self, message: effect.message });
    }
    if (effect.type === "persist") {
      this.#persisting = true;
      this.#machine.journal.write(effect.entries, () => {
        if (this.#paused) this.#durableWhilePaused = true;
        else this.#persisted();
      });
    } else if (effect.type === "send") network.send(self, effect.to, effect.message);
    else if (effect.type === "broadcast") network.broadcast(self, effect.message);
    else if (effect.type === "run") {
      this.#ops.perform(effect.op, (result) =>
        this.deliver({ type: "opEnded", opId: effect.opId, result }),
      );
    } else if (effect.type === "switchWanted") this.#want(effect.backends);
    else if (effect.type === "relist") this.#listLater();
    else if (effect.type === "reply") this.#world.replied(effect.requestId, effect.result);
  }

  /** As the keeper does: it looks at once when others are wanted, and once a second. */
  #want(backends: readonly WantedBackend[]): void {
    const found = this.#world.switchOf?.(this.#machine.id);
    if (!found) return;
    const first = this.#wanted === undefined;
    this.#wanted = backends;
    this.#world.clock.call(this.#prng.nextShare() * switchMsMax, () => this.#keepSwitch(found));
    if (first) this.#lookAtSwitch(found);
  }

  #keepSwitch(found: SimSwitch): void {
    if (!this.#alive || this.#paused || this.#wanted === undefined) return;
    const { nowMs } = this.#world.clock;
    found.apply(this.#wanted, nowMs);
    this.deliver({ type: "switchObserved", backends: found.look(nowMs), problem: null });
  }

  #lookAtSwitch(found: SimSwitch): void {
    this.#world.clock.call(switchLookMs, () => {
      if (!this.#alive) return;
      this.#keepSwitch(found);
      this.#lookAtSwitch(found);
    });
  }

  #persisted(): void {
    this.#durableWhilePaused = false;
    this.#persisting = false;
    this.#perform();
  }

  #listLater(): void {
    if (this.#listing) return;
    this.#listing = true;
    this.#world.clock.call(listMs, () => {
      this.#listing = false;
      // What was read may be old by the time that it is told.
      const copies = this.#machine.host.list();
      this.#world.clock.call(this.#prng.nextShare() * tellMsMax, () => {
        this.deliver({ type: "copiesListed", copies });
      });
    });
  }

  #sampleLater(delayMs: number): void {
    this.#world.clock.call(delayMs, () => {
      if (!this.#alive) return;
      if (!this.#paused) this.#step(this.#sample());
      this.#sampleLater(sampleMs);
    });
  }

  #sample(): Event {
    const { size, host } = this.#machine;
    const running = host.copies().filter((copy) => copyRuns(copy.state));
    return {
      type: "loadSampled",
      host: {
        cpuCapacityCores: size.cpuCapacityCores,
        otherCpuCores: 0,
        memoryCapacityBytes: size.memoryCapacityBytes,
        reservedMemoryBytes: size.reservedMemoryBytes,
        networkCapacityBytesPerSecond: size.networkCapacityBytesPerSecond ?? null,
        otherNetworkBytesPerSecond: 0,
        pressure: null,
      },
      vms: running.map(({ spec }) => ({
        vm: spec.name,
        load: this.#world.workload.loadOf(spec, this.#world.clock.nowMs),
      })),
    };
  }

  /** A deadline that moved away is found by ringing too early: that is seldom, steps are not. */
  #armTimer(): void {
    const atMs = this.#node.nextTimeoutMs;
    if (atMs === undefined || !this.#alive) return;
    const { clock } = this.#world;
    const delayMs = Math.max(0, atMs - this.#localMs());
    if (this.#ringsAtMs <= clock.nowMs + delayMs) return;
    this.#cancelTimer();
    this.#ringsAtMs = clock.nowMs + delayMs;
    this.#cancelTimer = clock.after(delayMs, () => {
      this.#ringsAtMs = Number.POSITIVE_INFINITY;
      this.#ringIfDue();
    });
  }

  #ringIfDue(): void {
    const atMs = this.#node.nextTimeoutMs;
    if (!this.#alive || this.#paused || atMs === undefined) return;
    // The sum with the clock's offset may round to just below the deadline.
    if (this.#localMs() >= atMs - 0.001)
      this.#step({ type: "timeout" }, Math.max(atMs, this.#localMs()));
    else this.#armTimer();
  }
}
