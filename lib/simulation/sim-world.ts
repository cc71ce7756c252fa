import { assert } from "../base/assert.ts";
import { hashText, Prng } from "../base/prng.ts";
import { newOwnedVm } from "../core/guest-table.ts";
import { journalEntry, journalKeys } from "../core/journal-keys.ts";
import { type ClusterMode, modeDocument } from "../core/mode-document.ts";
import {
  type CoreSettings,
  defaultCoreSettings,
  type ServiceHosting,
} from "../core/node-options.ts";
import type { Snapshot } from "../core/snapshot.ts";
import type { TransferLimits } from "../model/host-op.ts";
import type { HostId, MoveId, VmName } from "../model/ids.ts";
import type { Verb, VerbResult } from "../model/verb.ts";
import type { VmSpec } from "../model/vm-spec.ts";
import type { NetworkOptions } from "./network-options.ts";
import { quietNetwork } from "./network-options.ts";
import { SimAgent } from "./sim-agent.ts";
import { SimChannels } from "./sim-channels.ts";
import type { FactListener, SimFact } from "./sim-fact.ts";
import { type CopyChange, SimHost } from "./sim-host.ts";
import { SimJournal } from "./sim-journal.ts";
import { SimLinks } from "./sim-links.ts";
import type { MachineSize, SimMachine } from "./sim-machine.ts";
import { SimNetwork } from "./sim-network.ts";
import type { SimNodeMaker } from "./sim-node.ts";
import type { SimSurroundings } from "./sim-surroundings.ts";
import { type SessionDemand, SimSwitch } from "./sim-switch.ts";
import { VirtualClock } from "./virtual-clock.ts";
import type { Workload } from "./workload.ts";

export interface SimWorldOptions {
  readonly seed: number;
  readonly makeNode: SimNodeMaker;
  readonly hosts: readonly MachineSize[];
  readonly workload: Workload;
  readonly network?: NetworkOptions;
  readonly settings?: CoreSettings;
  /** Longest fsync of a journal, ms; 2 by default. */
  readonly syncMsMax?: number;
  /** Longest time from an order to its effect, and from there to its answer, ms; 6 by default. */
  readonly orderMsMax?: number;
  /** What each host does for services, by its number; nothing by default. */
  readonly hostingOf?: (index: number) => ServiceHosting | null;
  /** What clients want of a backend at each switch; nobody wants anything by default. */
  readonly sessionDemand?: SessionDemand;
  /** Speed of a migration stream, bytes a second. */
  readonly bandwidthBytesPerSecond?: number;
}

/** More events than this at one instant mean that something spins. */
const eventsAtOnceMax = 200_000;
/** Hosts' clocks started at most this long ago, ms. */
const clockOffsetMsMax = 1_000_000;
const defaultSyncMsMax = 2;
const defaultOrderMsMax = 6;
const defaultBandwidth = 125_000_000;

/**
 * A cluster in one process: nodes, their hosts and the network between them on one virtual clock,
 * and the faults that can befall them. The same seed gives the same run, event by event.
 */
export class SimWorld implements SimSurroundings {
  readonly clock = new VirtualClock();
  readonly links = new SimLinks();
  readonly network: SimNetwork;
  readonly channels: SimChannels;
  readonly workload: Workload;
  readonly prng: Prng;
  readonly orderMsMax: number;
  orderFailureShare = 0;
  /** Whoever drives the world may bar further moves by this. */
  admissionRefusal: (moveId: MoveId) => string | null = () => null;
  readonly #options: SimWorldOptions;
  readonly #machines = new Map<HostId, SimMachine>();
  readonly #hosting = new Map<HostId, ServiceHosting | null>();
  readonly #switches = new Map<HostId, SimSwitch>();
  readonly #agents = new Map<HostId, SimAgent>();
  readonly #listeners = new Map<SimFact["type"] | "any", FactListener[]>();
  readonly #replies = new Map<string, VerbResult>();
  #asked = 0;

  constructor(options: SimWorldOptions) {
    this.#options = options;
    this.workload = options.workload;
    this.orderMsMax = options.orderMsMax ?? defaultOrderMsMax;
    this.prng = new Prng(`world.${options.seed}`);
    const { clock, links } = this;
    const network = options.network ?? quietNetwork;
    this.network = new SimNetwork({
      clock,
      links,
      options: network,
      prng: this.#branch("net"),
      hostCount: options.hosts.length,
    });
    this.channels = new SimChannels({ clock, links, hostOf: (id) => this.machine(id).host });
    for (const [index, size] of options.hosts.entries()) this.#addMachine(index, size);
    links.onChange(() => this.emit({ type: "linksChanged" }));
  }

  get hosts(): readonly HostId[] {
    return [...this.#machines.keys()];
  }

  get machines(): readonly SimMachine[] {
    return [...this.#machines.values()];
  }

  machine(host: HostId): SimMachine {
    const machine = this.#machines.get(host);
    assert(machine, `there is no host ${host}`);
    return machine;
  }

  switchOf(host: HostId): SimSwitch | undefined {
    return this.#switches.get(host);
  }

  /** Undefined while its process is dead. */
  agent(host: HostId): SimAgent | undefined {
    return this.#agents.get(host);
  }

  /** True when two agents can exchange messages now. */
  canTalk(a: HostId, b: HostId): boolean {
    const awake = [a, b].every((host) => this.#agents.get(host)?.paused === false);
    return awake && this.links.connects(a, b);
  }

  snapshotOf(host: HostId): Snapshot | undefined {
    return this.#agents.get(host)?.snapshot();
  }

  /** Tells `listener` every fact from now on, or those of the given types alone. */
  onFact(listener: FactListener, types: readonly SimFact["type"][] | ["any"] = ["any"]): void {
    for (const type of types) {
      this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
    }
  }

  hears(type: SimFact["type"]): boolean {
    return this.#listeners.has(type) || this.#listeners.has("any");
  }

  emit(fact: SimFact): void {
    const { nowMs } = this.clock;
    for (const listener of this.#listeners.get("any") ?? []) listener(fact, nowMs);
    for (const listener of this.#listeners.get(fact.type) ?? []) listener(fact, nowMs);
  }

  bandwidthOf({ bandwidthBytesPerSecond }: TransferLimits): number {
    const link = this.#options.bandwidthBytesPerSecond ?? defaultBandwidth;
    return bandwidthBytesPerSecond === 0 ? link : Math.min(link, bandwidthBytesPerSecond);
  }

  // --- what happens to it ---

  /** Before the agents start: the VM has run on this host, which owns it, for ever. */
  placeVm(host: HostId, spec: VmSpec): void {
    const { journal, host: hypervisor } = this.machine(host);
    journal.keep([journalEntry(journalKeys.vm(spec.name), newOwnedVm(spec, 1, "running"))]);
    hypervisor.start(spec, this.clock.nowMs);
  }

  /** Before the agents start: an operator has told the cluster to act, or to hold. */
  presetMode(mode: ClusterMode): void {
    const [author] = this.hosts;
    if (author === undefined) return;
    const document = modeDocument(mode, 1, author, hashText);
    for (const { journal } of this.machines) {
      journal.keep([journalEntry(journalKeys.document(document.name), document)]);
    }
  }

  startAgent(host: HostId): void {
    if (this.#agents.has(host)) return;
    const machine = this.machine(host);
    machine.lives += 1;
    const prng = this.#branch(`${host}.${machine.boots}.${machine.lives}`);
    const node = this.#options.makeNode({
      self: host,
      name: machine.name,
      keyed: true,
      agentVersion: "0.0.0-sim",
      seed: prng.hex(16),
      settings: this.#options.settings ?? defaultCoreSettings,
      services: this.#hosting.get(host) ?? null,
    });
    const agent = new SimAgent({ machine, world: this, node, prng });
    this.#agents.set(host, agent);
    this.emit({ type: "agentStarted", host });
    agent.start();
  }

  startAll(): void {
    for (const host of this.hosts) this.startAgent(host);
  }

  /** Kill -9: its channels die with it, the guests run on. */
  killAgent(host: HostId): void {
    const agent = this.#agents.get(host);
    if (!agent) return;
    this.#agents.delete(host);
    agent.kill();
    this.emit({ type: "agentKilled", host });
  }

  /** SIGSTOP. */
  pauseAgent(host: HostId): void {
    const agent = this.#agents.get(host);
    if (!agent || agent.paused) return;
    agent.pause();
    this.emit({ type: "agentPaused", host });
  }

  /** SIGCONT. */
  continueAgent(host: HostId): void {
    const agent = this.#agents.get(host);
    if (!agent?.paused) return;
    this.emit({ type: "agentContinued", host });
    agent.proceed();
  }

  /** Kill -9 of one end of a channel. */
  killChannel(moveId: MoveId, host: HostId): void {
    this.channels.close(moveId, host);
  }

  /** Kill -9 of the hypervisor process of one copy; false when there is none. */
  killGuest(host: HostId, vm: VmName): boolean {
    return this.machine(host).host.kill(vm);
  }

  /** Power off; the agent must be started again, on an empty disk if that was lost, too. */
  crashHost(host: HostId, diskLost = false): void {
    const machine = this.machine(host);
    this.killAgent(host);
    machine.boots += 1;
    machine.clockOffsetMs = -this.clock.nowMs;
    machine.host.crash(diskLost);
    if (diskLost) machine.journal.erase();
    this.#switches.get(host)?.reset();
    this.emit({ type: "hostCrashed", host, diskLost });
  }

  /** A host's monotonic clock goes ahead, as after a sleep of the machine that nobody else saw. */
  jumpClock(host: HostId, ms: number): void {
    this.machine(host).clockOffsetMs += ms;
    this.#agents.get(host)?.clockJumped();
  }

  /** Mends every link and hypervisor and brings every agent back. */
  healAll(): void {
    this.orderFailureShare = 0;
    this.links.healAll();
    for (const host of this.hosts) {
      this.continueAgent(host);
      this.startAgent(host);
    }
  }

  // --- how a test drives it ---

  /** Hands a verb to an agent; the reply is undefined until it has come. */
  ask(host: HostId, verb: Verb): () => VerbResult | undefined {
    this.#asked += 1;
    const requestId = `ask-${this.#asked}`;
    this.#agents.get(host)?.deliver({ type: "verbAsked", requestId, verb });
    return () => this.#replies.get(requestId);
  }

  replied(requestId: string, result: VerbResult): void {
    this.#replies.set(requestId, result);
  }

  runFor(ms: number): void {
    this.runUntil(() => false, ms);
  }

  /** Runs until `holds` is true, looking after each event; false when it was not within the limit. */
  runUntil(holds: () => boolean, limitMs: number): boolean {
    const endMs = this.clock.nowMs + limitMs;
    let instantMs = this.clock.nowMs;
    let events = 0;
    while (!holds()) {
      if (!this.clock.runNext(endMs)) return holds();
      events = this.clock.nowMs === instantMs ? events + 1 : 0;
      instantMs = this.clock.nowMs;
      assert(events < eventsAtOnceMax, `the nodes spin at ${instantMs} ms`);
    }
    return true;
  }

  #branch(name: string): Prng {
    return new Prng(`${this.#options.seed}.${name}`);
  }

  #addMachine(index: number, size: MachineSize): void {
    const id = simHostId(index);
    const { clock } = this;
    const { hostingOf, sessionDemand } = this.#options;
    const hosting = hostingOf?.(index) ?? null;
    this.#hosting.set(id, hosting);
    if (hosting?.hasSwitch) this.#switches.set(id, new SimSwitch(sessionDemand ?? (() => 0)));
    this.#machines.set(id, {
      id,
      name: size.name ?? `host-${index + 1}`,
      size,
      host: new SimHost((change) => this.#copyChanged(id, change)),
      journal: new SimJournal({
        clock,
        prng: this.#branch(`disk.${id}`),
        syncMsMax: this.#options.syncMsMax ?? defaultSyncMsMax,
        synced: (entries) => {
          if (this.hears("persisted")) this.emit({ type: "persisted", host: id, entries });
        },
      }),
      clockOffsetMs: this.#branch(`clock.${id}`).nextInt(clockOffsetMsMax),
      boots: 1,
      lives: 0,
    });
  }

  #copyChanged(host: HostId, change: CopyChange): void {
    if (this.hears("copyChanged")) this.emit({ type: "copyChanged", host, change });
    if (change.after === null || change.after.state === "stale") {
      this.channels.copyGone(change.vm, host);
    }
    this.#agents.get(host)?.copyChanged(change);
  }
}

const idDigits = "123456789";

/** A valid host id that sorts by index. */
function simHostId(index: number): HostId {
  let digits = "";
  for (let rest = index, i = 0; i < 5; i += 1, rest = Math.floor(rest / 9)) {
    digits = (idDigits[rest % 9] ?? "1") + digits;
  }
  return `SimHost${digits}`;
}
