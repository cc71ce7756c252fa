import type { HostId, MoveId } from "../../model/ids.ts";
import type { ProposeMessage } from "../../wire/messages.ts";
import type { SimFact } from "../sim-fact.ts";

/** Proposals that one host may weigh at a time; older ones were forgotten by it long ago. */
const openMax = 64;

/** A proposal, and the host that made it. */
export interface OpenProposal {
  readonly from: HostId;
  readonly message: ProposeMessage;
}

/** What was proposed to whom and has not been answered: what a grant must be measured by. */
export class OpenProposals {
  readonly #open = new Map<HostId, Map<MoveId, OpenProposal>>();

  /** Takes a step's event, and gives back the proposals that the step granted. */
  grantedBy({
    host,
    event,
    effects,
  }: Extract<SimFact, { type: "stepped" }>): readonly OpenProposal[] {
    if (event.type === "messageReceived") {
      if (event.message.type === "propose")
        this.#add(host, { from: event.from, message: event.message });
      else if (event.message.type === "abort") this.#take(host, event.message.moveId);
    }
    let granted = none;
    for (const effect of effects) {
      if (effect.type !== "send") continue;
      const { message } = effect;
      if (message.type !== "grant" && message.type !== "refuse") continue;
      const proposal = this.#take(host, message.moveId);
      if (proposal && message.type === "grant") granted = [...granted, proposal];
    }
    return granted;
  }

  /** Its agent is gone, and with it what was proposed to it. */
  forget(host: HostId): void {
    this.#open.delete(host);
  }

  #add(host: HostId, proposal: OpenProposal): void {
    let open = this.#open.get(host);
    if (!open) {
      open = new Map();
      this.#open.set(host, open);
    }
    open.set(proposal.message.moveId, proposal);
    if (open.size <= openMax) return;
    const oldest = open.keys().next().value;
    if (oldest !== undefined) open.delete(oldest);
  }

  #take(host: HostId, moveId: MoveId): OpenProposal | undefined {
    const open = this.#open.get(host);
    const proposal = open?.get(moveId);
    if (open?.delete(moveId) && open.size === 0) this.#open.delete(host);
    return proposal;
  }
}

const none: readonly OpenProposal[] = [];
