import type { Effect, JournalEntry, Notice } from "#lib/core/effects.ts";
import type { Event } from "#lib/core/events.ts";
import { Node } from "#lib/core/node.ts";
import {
  type CoreSettings,
  defaultCoreSettings,
  type NodeOptions,
} from "#lib/core/node-options.ts";
import type { CopyReport, CopyState } from "#lib/model/copy.ts";
import type { HostSummary } from "#lib/model/host.ts";
import type { HostOp, HostOpName, HostOpResult, HostOpValues } from "#lib/model/host-op.ts";
import type { HostId, VmName } from "#lib/model/ids.ts";
import type { HostLoad } from "#lib/model/load.ts";
import type { ClusterDocument, HostRecord } from "#lib/model/record.ts";
import type { Verb, VerbResult } from "#lib/model/verb.ts";
import type { OwnedVm } from "#lib/model/vm.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import type { DeltaMessage, Message, MessageType, ProposeMessage } from "#lib/wire/messages.ts";
import { spec as webSpec } from "./move-fixture.ts";
import { inventoryRecord, summaryRecord } from "./view-records.ts";

const MIB = 2 ** 20;

/** Four cores and 4 GiB, nothing of it taken. */
export const emptyLoad: HostLoad = {
  cpuCapacityCores: 4,
  otherCpuCores: 0,
  memoryCapacityBytes: 4096 * MIB,
  reservedMemoryBytes: 0,
  networkCapacityBytesPerSecond: null,
  otherNetworkBytesPerSecond: null,
  pressure: null,
};

export interface DriverOptions {
  readonly keyed?: boolean;
  readonly name?: string;
  readonly settings?: Partial<CoreSettings>;
}

/** Drives one Node by hand: events in, effects out, and a journal that a next life can read. */
export class NodeDriver {
  readonly self = "QmSelf";
  readonly node: Node;
  nowMs = 10_000;
  /** The effects of the last step. */
  last: readonly Effect[] = [];
  /** All effects since the start, or since `forget`. */
  all: Effect[] = [];
  readonly #journal = new Map<string, string>();
  readonly #seqs = new Map<HostId, number>();
  /** Members that answer probes. */
  readonly #answering = new Set<HostId>();
  #requests = 0;

  constructor({ keyed = true, name = "self", settings = {} }: DriverOptions = {}) {
    const options: NodeOptions = {
      ...{ self: this.self, name, keyed, agentVersion: "0.1.0", seed: "5eed" },
      settings: { ...defaultCoreSettings, ...settings },
    };
    this.node = new Node(options);
  }

  start(life: Partial<Extract<Event, { type: "started" }>> = {}): readonly Effect[] {
    for (const { key, value } of life.journal ?? []) if (value) this.#journal.set(key, value);
    return this.step({
      type: "started",
      journal: [],
      copies: [],
      hypervisor: summaryRecord("any", 1).body.hypervisor,
      addresses: ["/ip4/10.0.0.1/tcp/7000"],
      probePort: 7001,
      wallOffsetMs: 1_700_000_000_000,
      bootId: "boot-1",
      instance: "0123456789abcdef",
      ...life,
    });
  }

  /** The journal as a restart would find it. */
  get journal(): readonly JournalEntry[] {
    return [...this.#journal].map(([key, value]) => ({ key, value }));
  }

  kept(key: string): unknown {
    const value = this.#journal.get(key);
    return value === undefined ? undefined : JSON.parse(value);
  }

  forget(): void {
    this.all = [];
  }

  step(event: Event, nowMs = this.nowMs): readonly Effect[] {
    this.nowMs = nowMs;
    this.last = this.node.step(event, nowMs);
    this.all.push(...this.last);
    for (const effect of this.last) {
      if (effect.type !== "persist") continue;
      for (const { key, value } of effect.entries) {
        if (value === null) this.#journal.delete(key);
        else this.#journal.set(key, value);
      }
    }
    return this.last;
  }

  /** Lets time pass, ringing each timer when it is due. Fails when the node spins. */
  wait(ms: number): void {
    const untilMs = this.nowMs + ms;
    let ringsAtOnce = 0;
    for (let at = this.node.nextTimeoutMs; at !== undefined && at <= untilMs; ) {
      ringsAtOnce = at <= this.nowMs ? ringsAtOnce + 1 : 0;
      if (ringsAtOnce > 3) throw new Error(`the node spins at ${this.nowMs} ms`);
      this.#answerProbes(this.step({ type: "timeout" }, Math.max(this.nowMs, at)));
      at = this.node.nextTimeoutMs;
    }
    this.nowMs = untilMs;
  }

  #answerProbes(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.type !== "datagram" || effect.message.type !== "probe") continue;
      if (!this.#answering.has(effect.to)) continue;
      const message = { type: "ack", nonce: effect.message.nonce, incarnation: 1 } as const;
      this.step({ type: "messageReceived", from: effect.to, via: "datagram", message });
    }
  }

  /** From now on this member answers no probes. */
  mute(host: HostId): void {
    this.#answering.delete(host);
  }

  receive(from: HostId, message: Message, via: "stream" | "news" = "stream"): readonly Effect[] {
    return this.step({ type: "messageReceived", from, via, message });
  }

  gossip(from: HostId, parts: Partial<Omit<DeltaMessage, "type">>): readonly Effect[] {
    const none = { records: [], documents: [], verdicts: [], wants: [], wantsDocuments: [] };
    return this.receive(from, { type: "delta", ...none, ...parts });
  }

  /** A member tells of itself. */
  hear(host: HostId, changes: Partial<HostSummary> = {}, vms: readonly VmName[] = []): void {
    const seq = (this.#seqs.get(host) ?? 0) + 1;
    this.#seqs.set(host, seq);
    this.#answering.add(host);
    const { body, ...version } = summaryRecord(host, seq, 1);
    const records: HostRecord[] = [{ ...version, body: { ...body, ...changes } }];
    if (vms.length > 0) {
      const shown = Object.fromEntries(vms.map((vm) => [vm, "running" as const]));
      records.push({ ...inventoryRecord(host, seq, shown), incarnation: 1 });
    }
    this.gossip(host, { records });
  }

  /** Seconds of samples, one each. */
  sample(count: number, cpuCores: Readonly<Record<VmName, number>> = {}, host = emptyLoad): void {
    for (let i = 0; i < count; i++) {
      this.wait(1_000);
      const vms = Object.entries(cpuCores).map(([vm, cores]) => ({
        vm,
        load: {
          cpuCores: cores,
          residentBytes: 32 * MIB,
          dirtyBytesPerSecond: null,
          networkBytesPerSecond: null,
        },
      }));
      this.step({ type: "loadSampled", host, vms });
    }
  }

  list(states: Readonly<Record<VmName, CopyState>>): readonly Effect[] {
    return this.step({ type: "copiesListed", copies: copies(states) });
  }

  /** Asks a verb; the answer, if it came in the same step. */
  ask(verb: Verb): VerbResult | undefined {
    this.#requests += 1;
    const requestId = `r${this.#requests}`;
    this.step({ type: "verbAsked", requestId, verb });
    return this.replyTo(requestId);
  }

  get lastRequest(): string {
    return `r${this.#requests}`;
  }

  replyTo(requestId: string): VerbResult | undefined {
    const replies = this.all.filter((one) => one.type === "reply" && one.requestId === requestId);
    if (replies.length > 1) throw new Error(`${requestId} was answered ${replies.length} times`);
    const [reply] = replies;
    return reply?.type === "reply" ? reply.result : undefined;
  }

  /** Ends the newest operation of this name that was run. */
  end<Name extends HostOpName>(op: Name, value: HostOpValues[Name]): readonly Effect[] {
    return this.#end(op, { ok: true, value });
  }

  fail(op: HostOpName, code = "HYPERVISOR_FAILED"): readonly Effect[] {
    return this.#end(op, { ok: false, code, message: `${op} failed` });
  }

  #end(op: HostOpName, result: HostOpResult): readonly Effect[] {
    const run = this.all.findLast((one) => one.type === "run" && one.op.op === op);
    if (run?.type !== "run") throw new Error(`${op} was not run`);
    return this.step({ type: "opEnded", opId: run.opId, result });
  }

  runs(from: readonly Effect[] = this.last): readonly HostOp[] {
    return from.flatMap((effect) => (effect.type === "run" ? [effect.op] : []));
  }

  sends<Type extends MessageType>(
    type: Type,
    from: readonly Effect[] = this.last,
  ): readonly { to: HostId; message: Extract<Message, { type: Type }> }[] {
    return from.flatMap((effect) =>
      effect.type === "send" && effect.message.type === type
        ? [{ to: effect.to, message: effect.message as Extract<Message, { type: Type }> }]
        : [],
    );
  }

  notices(code: string, from: readonly Effect[] = this.all): readonly Notice[] {
    return from.flatMap((effect) =>
      effect.type === "notice" && effect.notice.code === code ? [effect.notice] : [],
    );
  }
}

export function copies(states: Readonly<Record<VmName, CopyState>>): readonly CopyReport[] {
  return Object.entries(states).map(([vm, state]) => ({ vm, state, moveId: null }));
}

export function specOf(name: VmName, changes: Partial<VmSpec> = {}): VmSpec {
  return { ...webSpec, name, ...changes };
}

/** The journal line of a VM that this host owns. */
export function ownLine(name: VmName, changes: Partial<OwnedVm> = {}): JournalEntry {
  const owned = { spec: specOf(name), version: 7, desired: "running", recentMoves: 0, ...changes };
  return { key: `vm/${name}`, value: JSON.stringify(owned) };
}

export function line(key: string, value: unknown): JournalEntry {
  return { key, value: JSON.stringify(value) };
}

export const actDocument: ClusterDocument = {
  name: "mode",
  version: 3,
  hash: "aa",
  author: "QmOther",
  value: JSON.stringify({ mode: "act" }),
};

/** Another host asks this one to take a VM. */
export function proposal(
  vm: VmName,
  changes: Partial<ProposeMessage> & { random?: string; spec?: VmSpec } = {},
): ProposeMessage {
  const { random = "00112233445566aa", spec = specOf(vm), ...rest } = changes;
  return {
    type: "propose",
    moveId: `${vm}.8.${random}`,
    offer: {
      spec,
      hypervisorVersion: "1",
      accelerator: "none",
      machineType: "sim",
      storageNonce: null,
    },
    load: {
      cpuCores: 0.5,
      residentBytes: 32 * MIB,
      dirtyBytesPerSecond: null,
      networkBytesPerSecond: null,
    },
    reason: "operator",
    gain: 0.1,
    cost: 0.01,
    source: { ...summaryRecord("QmOther", 1).body, projectedCpuCores: 3.5 },
    version: 7,
    recentMoves: 0,
    ...rest,
  };
}

/** A node whose host has told its size and that knows QmOther and, with its key, may act. */
export function settledDriver(
  options: DriverOptions & {
    own?: readonly VmName[];
    mode?: "act" | "hold";
    /** Demand of each own VM. */
    cpuCores?: number;
  } = {},
): NodeDriver {
  const driver = new NodeDriver(options);
  const own = options.own ?? [];
  const running = Object.fromEntries(own.map((vm) => [vm, "running" as const]));
  driver.start({ journal: own.map((vm) => ownLine(vm)), copies: copies(running) });
  driver.hear("QmOther", { name: "other" });
  if (options.mode === "act") driver.gossip("QmOther", { documents: [actDocument] });
  driver.sample(6, Object.fromEntries(own.map((vm) => [vm, options.cpuCores ?? 0.5])));
  driver.forget();
  return driver;
}
