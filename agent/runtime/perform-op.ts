import { AgentError } from "#lib/base/errors.ts";
import type { HostOp, HostOpName, HostOpResult, HostOpValues } from "#lib/model/host-op.ts";
import type { MoveId } from "#lib/model/ids.ts";
import type { TransferProgress } from "#lib/model/transfer-progress.ts";
import type { Channel, IncomingDoor } from "../ports/channel.ts";
import type { Hypervisor } from "../ports/hypervisor.ts";
import type { MemberHost } from "../ports/members.ts";
import { isMemberOp, type MemberOp, MemberPerformer } from "./perform-member-op.ts";

export interface OpPerformerOptions {
  readonly hypervisor: Hypervisor;
  readonly channel: Channel;
  /** Own address on the migration network; null for the one that gossip uses. */
  readonly channelAddress: string | null;
  /** Null where this host takes no members. */
  readonly members: MemberHost | null;
  readonly progressed: (progress: TransferProgress) => void;
}

/** What one move has open on this host, until its channel is closed. */
interface OpenMove {
  socketPath: string | null;
  incoming: IncomingDoor | null;
  readonly ending: AbortController;
}

/**
 * Maps one operation of the core to one call of the hypervisor or the channel, and its end to a
 * result. Decides nothing: what follows from a failure is the core's affair.
 */
export class OpPerformer {
  readonly #options: OpPerformerOptions;
  readonly #members: MemberPerformer;
  readonly #open = new Map<MoveId, OpenMove>();

  constructor(options: OpPerformerOptions) {
    this.#options = options;
    this.#members = new MemberPerformer(options.hypervisor, options.members);
  }

  /** Never rejects: a failure is a result, with the error's code and its one line. */
  async perform(op: HostOp): Promise<HostOpResult> {
    try {
      return { ok: true, value: await this.#call(op) };
    } catch (error) {
      const code = error instanceof AgentError ? error.code : "UNEXPECTED";
      const message = error instanceof Error ? error.message : String(error);
      return { ok: false, code, message };
    }
  }

  /** Lets go of everything that waits; the processes of the channel end with the agent. */
  stop(): void {
    for (const { ending } of this.#open.values()) ending.abort();
    this.#open.clear();
    this.#members.stop();
  }

  #call(op: HostOp): Promise<HostOpValues[HostOpName]> {
    if (isMemberOp(op)) return this.#members.perform(op);
    switch (op.op) {
      case "prepareIncoming":
      case "listenChannel":
      case "awaitIncoming":
      case "connectChannel":
      case "migrateOut":
      case "closeChannel":
        return this.#transfer(op);
      case "start":
      case "stop":
      case "suspend":
      case "resume":
      case "forget":
      case "writePolicy":
        return this.#lifecycle(op);
      default:
        return this.#decision(op);
    }
  }

  async #transfer(op: TransferOp): Promise<HostOpValues[HostOpName]> {
    const { hypervisor, channel, progressed } = this.#options;
    const open = this.#openMove(op.moveId);
    switch (op.op) {
      case "prepareIncoming":
        open.incoming = await hypervisor.prepareIncoming(op.moveId, op.spec, op.source);
        return null;
      case "listenChannel":
        return {
          port: (await channel.listen(op.moveId, prepared(open.incoming))).port,
          address: this.#options.channelAddress,
        };
      case "awaitIncoming":
        await hypervisor.awaitIncoming(op.moveId, op.vm, open.ending.signal);
        return null;
      case "connectChannel":
        open.socketPath = (await channel.connect(op.moveId, routeOf(op, hypervisor))).socketPath;
        return null;
      case "migrateOut": {
        const { moveId, vm, limits } = op;
        const order = { moveId, vm, limits, socketPath: prepared(open.socketPath), progressed };
        return hypervisor.migrateOut(order, open.ending.signal);
      }
      case "closeChannel":
        this.#open.delete(op.moveId);
        open.ending.abort();
        await channel.close(op.moveId);
        return null;
    }
  }

  async #lifecycle(op: LifecycleOp): Promise<HostOpValues[HostOpName]> {
    const { hypervisor } = this.#options;
    switch (op.op) {
      case "start":
        await hypervisor.startVm(op.spec);
        return null;
      case "stop":
        await hypervisor.stopVm(op.vm, op.force);
        return null;
      case "suspend":
        return hypervisor.suspendVm(op.spec);
      case "resume":
        await hypervisor.resumeVm(op.spec);
        return null;
      case "forget":
        await hypervisor.forgetVm(op.vm);
        return null;
      case "writePolicy":
        await hypervisor.writePolicy?.(op.spec);
        return null;
    }
  }

  async #decision(
    op: Exclude<HostOp, TransferOp | LifecycleOp | MemberOp>,
  ): Promise<HostOpValues[HostOpName]> {
    const { hypervisor, channel } = this.#options;
    switch (op.op) {
      case "offer":
        channel.warm();
        return hypervisor.offer(op.moveId, op.spec);
      case "admit":
        channel.warm();
        return hypervisor.admit(op.moveId, op.offer);
      case "cancelMigration":
        await hypervisor.cancelMigration(op.vm);
        return null;
      case "runIncoming":
        await hypervisor.runIncoming(op.moveId, op.vm);
        return null;
      case "takeBack":
        await hypervisor.takeBack(op.moveId, op.vm);
        return null;
      case "discard":
        await hypervisor.discard(op.moveId, op.vm);
        return null;
      case "moveVerdict":
        return { verdict: await hypervisor.moveVerdict(op.moveId, op.vm) };
    }
  }

  #openMove(moveId: MoveId): OpenMove {
    const known = this.#open.get(moveId);
    if (known) return known;
    const open: OpenMove = { socketPath: null, incoming: null, ending: new AbortController() };
    this.#open.set(moveId, open);
    return open;
  }
}

type TransferOp = Extract<
  HostOp,
  {
    op:
      | "prepareIncoming"
      | "listenChannel"
      | "awaitIncoming"
      | "connectChannel"
      | "migrateOut"
      | "closeChannel";
  }
>;
type LifecycleOp = Extract<
  HostOp,
  { op: "start" | "stop" | "suspend" | "resume" | "forget" | "writePolicy" }
>;

const multiaddrPattern = /^\/ip[46]\/([^/]+)/;

/** The IP addresses among multiaddrs and plain addresses, each once, in their order. */
export function ipAddresses(addresses: readonly string[]): string[] {
  return [...new Set(addresses.map((address) => multiaddrPattern.exec(address)?.[1] ?? address))];
}

function routeOf(op: Extract<HostOp, { op: "connectChannel" }>, hypervisor: Hypervisor) {
  const door = hypervisor.outgoingDoor(op.moveId);
  return { addresses: ipAddresses(op.addresses), port: op.port, door };
}

function prepared<Value>(part: Value | null): Value {
  if (part === null) throw new Error("the move's socket was not prepared");
  return part;
}
