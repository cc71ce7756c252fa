import { AgentError } from "#lib/base/errors.ts";
import type { HostOp, HostOpName, HostOpValues } from "#lib/model/host-op.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import type { Hypervisor } from "../ports/hypervisor.ts";
import type { MemberHost } from "../ports/members.ts";

export type MemberOp = Extract<HostOp, { op: "stageMember" | "checkMember" | "askMember" | "discardMember" }>;

const MEMBER_OPS: readonly HostOpName[] = ["stageMember", "checkMember", "askMember", "discardMember"];

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
      await members.awaitHealthy(making.probe, signal);
      return { diskBytes: await members.files.diskBytes(spec) };
    } catch (cause) {
      // An agent that ends leaves its guests alone: the next one finds this one, and discards it.
      if (!signal.aborted) await this.#discard(spec, members).catch(() => undefined);
      throw cause;
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

/** Thrown where a host is asked for members that it was not set up for. */
class NoMembersError extends AgentError {
  readonly code = "NO_MEMBERS";
}
