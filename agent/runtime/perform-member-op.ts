import { AgentError } from "#lib/base/errors.ts";
import type { HostOp, HostOpName, HostOpValues } from "#lib/model/host-op.ts";
import type { VmName } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import type { Hypervisor } from "../ports/hypervisor.ts";
import type { MemberHost } from "../ports/members.ts";

export type MemberOp = Extract<
  HostOp,
  { op: "stageMember" | "checkMember" | "askMember" | "discardMember" }
>;

const MEMBER_OPS: readonly HostOpName[] = [
  "stageMember",
  "checkMember",
  "askMember",
  "discardMember",
];

/** Stages, asks and discards the members of services on this host, each as one operation. */
export class MemberPerformer {
  readonly #hypervisor: Hypervisor;
  readonly #members: MemberHost | null;
  readonly #ending = new AbortController();

  /** Without `members` this host takes none: every operation is refused. */
  constructor(hypervisor: Hypervisor, members: MemberHost | null) {
    this.#hypervisor = hypervisor;
    this.#members = members;
  }

  /** Rejects with an AgentError of one line. */
  async perform(op: MemberOp): Promise<HostOpValues[HostOpName]> {
    const members = this.#members;
    if (members === null) throw new NoMembersError("this host is not set up for members");
    switch (op.op) {
      case "stageMember":
        return this.#stage(op, members);
      case "checkMember":
        return members.awaitHealthy(op.probe, this.#ending.signal);
      case "askMember":
        await members.askHealth(op.probe, this.#ending.signal);
        return null;
      case "discardMember":
        await this.#discard(op.spec, members);
        return null;
    }
  }

  /** Lets go of what is waited for; a member that is being staged is left as it is. */
  stop(): void {
    this.#ending.abort();
  }

  async #stage({ spec, making }: Extract<MemberOp, { op: "stageMember" }>, members: MemberHost) {
    const { signal } = this.#ending;
    await this.#discard(spec, members);
    try {
      await members.files.make(spec, making, signal);
      await this.#hypervisor.startVm(spec);
      await this.#whileItLives(spec.name, (until) => members.awaitHealthy(making.probe, until));
      return { diskBytes: await members.files.diskBytes(spec) };
    } catch (cause) {
      // An agent that ends leaves its guests alone: the next one finds this one, and discards it.
      if (!signal.aborted) await this.#discard(spec, members).catch(() => undefined);
      throw cause;
    }
  }

  /** Ends the waiting as soon as the guest has ended: nobody will answer any more. */
  async #whileItLives<Value>(
    vm: VmName,
    wait: (until: AbortSignal) => Promise<Value>,
  ): Promise<Value> {
    const ended = new AbortController();
    const look = async (): Promise<void> => {
      const copies = await this.#hypervisor.list();
      if (copies.some((copy) => copy.vm === vm)) return;
      ended.abort(
        new GuestEndedError(`${vm} ended by itself before it was well: its serial log may say why`),
      );
    };
    // A list that fails says nothing of the guest; the next change is looked at again.
    const stopWatching = this.#hypervisor.watch(() => void look().catch(() => undefined));
    try {
      const waited = wait(AbortSignal.any([this.#ending.signal, ended.signal]));
      // It may have ended before it was watched.
      await look().catch(() => undefined);
      return await waited;
    } catch (cause) {
      throw ended.signal.aborted ? ended.signal.reason : cause;
    } finally {
      stopWatching();
    }
  }

  async #discard(spec: VmSpec, { files }: MemberHost): Promise<void> {
    await this.#hypervisor.stopVm(spec.name, true);
    await this.#hypervisor.forgetVm(spec.name);
    await files.remove(spec);
  }
}

export function isMemberOp(op: HostOp): op is MemberOp {
  return MEMBER_OPS.includes(op.op);
}

/** Thrown when a guest that is waited for is gone. */
class GuestEndedError extends AgentError {
  readonly code = "GUEST_ENDED";
}

/** Thrown where a host is asked for members that it was not set up for. */
class NoMembersError extends AgentError {
  readonly code = "NO_MEMBERS";
}
