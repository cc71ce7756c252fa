import type { Prng } from "../../base/prng.ts";
import type { HostId, VmName } from "../../model/ids.ts";
import type { CheckedWorld } from "../checked-world.ts";
import type { FaultTally } from "./fault-tally.ts";
import type { HostTroubles } from "./host-trouble.ts";

/** Longest time that one thing stays broken, ms. */
const brokenMsMax = 30_000;
/** A hung agent is killed at most this much later, ms: its guests' hypervisors have gone on. */
const hungMsMax = 6_000;
/** A service manager starts an agent that ended after this long, ms. */
const restartMs = 2_000;
/** A machine that was asleep wakes up at most this much later, ms; every other one more than an hour. */
const clockJumpMsMax = 7_200_000;
/** An operator who brings a fenced host back looks again this often, ms. */
const lookMs = 1_000;
/** For so long all must have been well before that, and is afterwards, ms. */
const wholeMsMin = 4_000;
const calmMs = 15_000;
/** A write takes at least this long, ms. */
const writeMsMin = 0.25;

export interface BreakerOptions {
  readonly world: CheckedWorld;
  readonly troubles: HostTroubles;
  readonly prng: Prng;
  readonly tally: FaultTally;
}

/**
 * Breaks one thing of a world at a time, mends it after a while and counts what really happened:
 * a fault that finds nothing to break is none.
 */
export class Breaker {
  readonly #world: CheckedWorld;
  readonly #troubles: HostTroubles;
  readonly #prng: Prng;
  readonly #tally: FaultTally;
  /** Hosts that an operator has switched off and not brought back. */
  readonly #fenced = new Set<HostId>();
  #calmUntilMs = 0;

  #over = false;

  constructor({ world, troubles, prng, tally }: BreakerOptions) {
    this.#world = world;
    this.#troubles = troubles;
    this.#prng = prng;
    this.#tally = tally;
    troubles.report({
      ended: (host) => world.clock.after(0, () => this.#writeFailed(host)),
      changed: (host) => world.emit({ type: "troubleChanged", host }),
    });
  }

  /** From now on nothing more breaks; what is broken is still mended, links by whoever drives the world. */
  end(): void {
    this.#over = true;
  }

  killAgent(host: HostId, kind = "agent killed"): void {
    if (!this.#world.agent(host)) return;
    this.#struck(kind);
    this.#world.killAgent(host);
    this.#later(() => this.#start(host));
  }

  /** Both at once, or the second a while after the first: before it is back, or after. */
  killBoth(a: HostId, b: HostId, together: boolean): void {
    const { world } = { world: this.#world };
    if (!world.agent(a) || !world.agent(b)) return;
    this.#struck(together ? "both agents killed at once" : "both agents killed in turn");
    const kill = (host: HostId) => {
      world.killAgent(host);
      this.#later(() => this.#start(host));
    };
    kill(a);
    if (together) kill(b);
    else this.#strikeLater(() => kill(b));
  }

  /** SIGSTOP: the hypervisors and channels of the host go on. */
  hangAgent(host: HostId): void {
    if (this.#world.agent(host)?.paused !== false) return;
    this.#struck("agent hung");
    this.#world.pauseAgent(host);
    this.#later(() => this.#world.continueAgent(host));
  }

  /** What its hypervisors finished meanwhile, this life of the agent never hears. */
  hangThenKill(host: HostId): void {
    if (this.#world.agent(host)?.paused !== false) return;
    this.#world.pauseAgent(host);
    this.#world.clock.after(this.#prng.nextShare() * hungMsMax, () => {
      const hung = this.#world.agent(host)?.paused;
      if (hung && !this.#over) this.killAgent(host, "agent hung, then killed");
      else this.#world.continueAgent(host);
    });
  }

  /** In the middle of the write that it has just begun, which is then durable or not. */
  killAtWrite(host: HostId, key: string, value: string | null): void {
    this.#world.clock.after(this.#prng.nextShare() * writeMsMin, () => {
      const { journal } = this.#world.machine(host);
      if (this.#over || !this.#world.agent(host) || (journal.line(key) ?? null) === value) return;
      this.killAgent(host, "agent killed in a write");
      const kept = (journal.line(key) ?? null) === value;
      this.#struck(kept ? "unsynced write kept" : "unsynced write lost");
    });
  }

  cut(a: HostId, b: HostId): void {
    if (this.#calm) return;
    this.#struck("link cut");
    this.#world.links.cut(a, b);
    this.#joinLater(() => this.#world.links.heal(a, b));
  }

  cutOneWay(from: HostId, to: HostId, kind = "link cut one way"): void {
    if (this.#calm) return;
    this.#struck(kind);
    this.#world.links.cutOneWay(from, to);
    this.#joinLater(() => this.#world.links.heal(from, to));
  }

  /** Splits the cluster in two at random, `a` and `b` apart. */
  partition(a: HostId, b: HostId, kind = "partition"): void {
    if (this.#calm) return;
    this.#struck(kind);
    const groups: [HostId[], HostId[]] = [[a], [b]];
    for (const host of this.#world.hosts) {
      if (host !== a && host !== b) groups[this.#prng.nextInt(2) as 0 | 1].push(host);
    }
    this.#world.links.partition(groups);
    this.#joinLater(() => this.#world.links.healAll());
  }

  losePower(host: HostId, kind = "power lost"): void {
    this.#struck(kind);
    this.#world.crashHost(host);
    this.#later(() => this.#start(host));
  }

  losePowerOfBoth(a: HostId, b: HostId, together: boolean): void {
    this.losePower(a, together ? "both hosts lost power at once" : "both hosts lost power in turn");
    const second = () => {
      this.#world.crashHost(b);
      this.#later(() => this.#start(b));
    };
    if (together) second();
    else this.#strikeLater(second);
  }

  loseDisk(host: HostId, kind = "disk lost"): void {
    this.#struck(kind);
    this.#world.crashHost(host, true);
    this.#later(() => this.#start(host));
  }

  killGuest(host: HostId, vm: VmName | undefined, kind = "guest killed"): void {
    if (vm !== undefined && this.#world.killGuest(host, vm)) this.#struck(kind);
  }

  killChannels(host: HostId): void {
    for (const moveId of this.#world.channels.ofHost(host)) {
      this.#struck("channel killed");
      this.#world.killChannel(moveId, host);
    }
  }

  /** Ahead only: a monotonic clock never goes back, and the core reads no other. */
  jumpClock(host: HostId): void {
    const aheadMs = this.#prng.nextInt(clockJumpMsMax);
    const anHour = aheadMs >= clockJumpMsMax / 2;
    this.#struck(anHour ? "clock jumped an hour or more" : "clock jumped");
    this.#world.jumpClock(host, aheadMs);
  }

  hangHypervisor(host: HostId, kind = "hypervisor hung"): void {
    if (this.#troubles.of(host).hung) return;
    this.#struck(kind);
    this.#troubles.set(host, { hung: true });
    this.#later(() => this.#troubles.set(host, { hung: false }));
  }

  fillJournal(host: HostId): void {
    if (this.#troubles.of(host).journalFull) return;
    this.#troubles.set(host, { journalFull: true });
    this.#later(() => this.#troubles.set(host, { journalFull: false }));
  }

  fillImages(host: HostId): void {
    if (this.#troubles.of(host).imagesFull) return;
    this.#struck("image directory full");
    this.#troubles.set(host, { imagesFull: true });
    this.#later(() => this.#troubles.set(host, { imagesFull: false }));
  }

  /** Streams that begin now make no headway; they never will. */
  stallStreams(): void {
    if (this.#world.stalled) return;
    this.#struck("migrations stalled");
    this.#world.stalled = true;
    this.#later(() => {
      this.#world.stalled = false;
    });
  }

  /** Switches a host off for an operator, until it is brought back. */
  fence(host: HostId): void {
    this.losePower(host, "host fenced by an operator");
    this.#fenced.add(host);
    this.#bringBack(host, 0);
  }

  #writeFailed(host: HostId): void {
    if (!this.#world.agent(host)) return;
    this.#struck("journal write failed");
    this.#world.killAgent(host);
    this.#world.clock.after(restartMs, () => this.#start(host));
  }

  /** Only into a whole network, with all others up, and sees that nobody pulls a cable just then. */
  #bringBack(host: HostId, wholeMs: number): void {
    const world = this.#world;
    world.clock.after(lookMs, () => {
      if (this.#over) return;
      const others = world.hosts.filter((other) => !this.#fenced.has(other));
      const up = others.every((other) => world.agent(other)?.paused === false);
      if (!up || !world.links.whole) this.#bringBack(host, 0);
      else if (wholeMs < wholeMsMin) this.#bringBack(host, wholeMs + lookMs);
      else {
        this.#fenced.delete(host);
        this.#calmUntilMs = world.clock.nowMs + calmMs;
        world.startAgent(host);
      }
    });
  }

  get #calm(): boolean {
    return this.#world.clock.nowMs < this.#calmUntilMs;
  }

  #struck(kind: string): void {
    this.#tally.add(kind);
    this.#world.emit({ type: "faultStruck", kind });
  }

  #start(host: HostId): void {
    if (!this.#fenced.has(host)) this.#world.startAgent(host);
  }

  #strikeLater(strike: () => void): void {
    this.#later(() => {
      if (!this.#over) strike();
    });
  }

  /**
   * Once faults are over, whoever drives the world joins all links, and may cut others: one of this
   * time, mended late, would be a bridge between two sides, which count as one and cannot agree.
   */
  #joinLater(join: () => void): void {
    this.#later(() => {
      if (!this.#over) join();
    });
  }

  /** Half of the faults end within two seconds: mending in the middle is the harder case. */
  #later(mend: () => void): void {
    const longest = this.#prng.nextShare() < 0.5 ? 2_000 : brokenMsMax;
    this.#world.clock.after(this.#prng.nextShare() * longest, mend);
  }
}
