import { defaultElectionParams } from "../election/params.ts";
import { TargetElection } from "../election/target-election.ts";
import type { Ledger, Reservation } from "../ledger/ledger.ts";
import type { ActionReason } from "../model/action.ts";
import type { HostOpResult } from "../model/host-op.ts";
import { type HostId, type MoveId, readMoveId, type VmName } from "../model/ids.ts";
import { rescore } from "../planning/candidates.ts";
import { figuresOfSummary } from "../planning/host-figures.ts";
import type { PlanningParams } from "../planning/params.ts";
import { swapShareMax } from "../planning/rules.ts";
import type { ProposeMessage } from "../wire/messages.ts";
import type { GuestTable } from "./guest-table.ts";
import type { Mover } from "./mover.ts";
import type { Outbox } from "./outbox.ts";
import { ownSummary, usedMemoryBytes } from "./own-figures.ts";
import type { Self } from "./self.ts";
import type { Surroundings } from "./surroundings.ts";

/** A proposal as it is gathered: with the fields that the election compares. */
interface Gathered {
  readonly moveId: MoveId;
  readonly vm: VmName;
  readonly source: HostId;
  readonly sourceName: string;
  readonly reason: ActionReason;
  readonly message: ProposeMessage;
}

export interface AdmissionOptions {
  readonly self: Self;
  readonly outbox: Outbox;
  readonly guests: GuestTable;
  readonly ledger: Ledger;
  readonly mover: Mover;
  readonly surroundings: Surroundings;
  readonly planning: PlanningParams;
  readonly heldBack: (reason: ActionReason, nowMs: number) => string | null;
  /** Why a leg of an exchange is not taken in, in words after the host's name; null when it may. */
  readonly swapRefusal: (vm: VmName) => string | null;
}

function reservationOf({ moveId, vm, reason, message }: Gathered): Reservation {
  const { spec } = message.offer;
  return {
    moveId,
    vm,
    memoryBytes: spec.memoryBytes,
    cpuCores: message.load.cpuCores,
    networkBytesPerSecond: message.load.networkBytesPerSecond ?? 0,
    antiAffinityGroup: spec.policy.antiAffinityGroup,
    affinityGroup: spec.policy.affinityGroup,
    mayUseReserve: reason === "swap",
  };
}

/** The target's side of the election: gather, judge by the own ledger, grant one, refuse the rest. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #election = new TargetElection<Gathered>(defaultElectionParams);
  /** Chosen and reserved; the hypervisor is still asked whether it can take it. */
  readonly #checking = new Map<MoveId, Gathered>();
  #received = 0;
  #grants = 0;
  #refusals = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  get counters(): { received: number; grants: number; refusals: number } {
    return { received: this.#received, grants: this.#grants, refusals: this.#refusals };
  }

  nextTimeoutMs(): number | undefined {
    return this.#election.nextTimeoutMs;
  }

  onPropose(from: HostId, message: ProposeMessage, nowMs: number): void {
    this.#received += 1;
    const { moveId, reason, offer } = message;
    const proposal: Gathered = {
      moveId,
      vm: offer.spec.name,
      source: from,
      sourceName: this.#options.surroundings.nameOf(from),
      reason,
      message,
    };
    // Heard twice, it is judged once: a refusal of the copy would undo the grant.
    if (this.#checking.has(moveId) || this.#options.mover.table.get(moveId)) return;
    const refusal = this.#outright(proposal, nowMs);
    const older = this.#election.proposalOf(from);
    if (refusal !== null) this.#refuse(proposal, refusal);
    else if (!this.#election.gather(proposal, nowMs)) {
      this.#refuse(proposal, "too many proposals at once");
    } else if (older && older.moveId !== moveId) {
      this.#refuse(older, "its source has proposed another VM since");
    }
  }

  /** What needs no comparison with other proposals. */
  #outright(proposal: Gathered, nowMs: number): string | null {
    const { self, guests, ledger, mover, heldBack } = this.#options;
    const named = readMoveId(proposal.moveId);
    const { version } = proposal.message;
    if (named?.vm !== proposal.vm || named.version !== version + 1) {
      return "the proposal's move id does not name its VM and version";
    }
    const held = heldBack(proposal.reason, nowMs);
    if (held !== null) return `${self.options.name} does not act: ${held}`;
    if (guests.get(proposal.vm)) return `a VM named ${proposal.vm} is here already`;
    if (proposal.reason === "swap") {
      const objection = this.#options.swapRefusal(proposal.vm);
      if (objection !== null) return `${self.options.name} ${objection}`;
    }
    if (mover.table.ofVm(proposal.vm)) return `a move of ${proposal.vm} is not finished here`;
    // Said at once, so that its source can ask the next without waiting for a decision.
    return ledger.freeSlotsIn > 0 ? null : `${self.options.name} is taking in another VM`;
  }

  timeout(nowMs: number): void {
    const at = this.#election.nextTimeoutMs;
    if (at === undefined || at > nowMs) return;
    const { self, guests, ledger, outbox, planning } = this.#options;
    ledger.memoryIs({
      capacityBytes: (self.hostLoad?.memoryCapacityBytes ?? 0) * planning.memoryShareMax,
      brimBytes: (self.hostLoad?.memoryCapacityBytes ?? 0) * swapShareMax,
      usedBytes: usedMemoryBytes(self, guests),
    });
    const { granted, refused } = this.#election.decide({
      slots: ledger.freeSlotsIn,
      judge: (proposal) => this.#judge(proposal),
      grant: (proposal) => this.#reserve(proposal),
    });
    for (const { proposal, reason } of refused) this.#refuse(proposal, reason);
    for (const proposal of granted) {
      const { moveId, message } = proposal;
      this.#checking.set(moveId, proposal);
      outbox.run({ op: "admit", moveId, offer: message.offer }, { part: "admit", moveId });
    }
  }

  #judge(proposal: Gathered): { score: number; refusal: string | null } {
    const { ledger, surroundings, planning } = this.#options;
    const { message } = proposal;
    const { spec } = message.offer;
    const own = surroundings.own();
    const { score, refusal } = rescore({
      vm: {
        vm: spec.name,
        load: message.load,
        memoryBytes: spec.memoryBytes,
        policy: spec.policy,
        immovable: null,
      },
      source: figuresOfSummary(proposal.source, message.source),
      self: own,
      reason: proposal.reason,
      cost: message.cost,
      scale: surroundings.scale(),
      params: planning,
    });
    const room = ledger.refusalIn(reservationOf(proposal));
    return { score, refusal: refusal ?? (room === null ? null : `${own.name} ${room}`) };
  }

  #reserve(proposal: Gathered): void {
    this.#options.ledger.reserveIn(reservationOf(proposal));
  }

  admitEnded(moveId: MoveId, result: HostOpResult, nowMs: number): void {
    const proposal = this.#checking.get(moveId);
    if (!proposal) return;
    this.#checking.delete(moveId);
    const objection = result.ok
      ? (result.value as { refusal: string | null }).refusal
      : result.message;
    const refusal = objection ?? this.#lostRoom();
    if (refusal !== null) {
      this.#options.ledger.release(moveId);
      this.#refuse(proposal, refusal, objection !== null);
      return;
    }
    this.#grants += 1;
    const { message, source, vm, reason } = proposal;
    const { version, gain, cost, recentMoves } = message;
    const { spec } = message.offer;
    this.#options.mover.grantTarget(
      { moveId, vm, peer: source, version, spec, reason, gain, cost, recentMoves },
      message.load,
      nowMs,
    );
  }

  /** While the hypervisor was asked, an operator may have started or resumed a guest here. */
  #lostRoom(): string | null {
    const { self, guests, ledger } = this.#options;
    const capacityBytes = self.hostLoad?.memoryCapacityBytes ?? 0;
    const takenBytes = usedMemoryBytes(self, guests) + ledger.reservedMemoryBytes;
    if (takenBytes <= capacityBytes) return null;
    return `${self.options.name} has given the memory to a guest of its own meanwhile`;
  }

  /** The source withdrew before the grant; one after it is the move's own affair. */
  withdrawn(moveId: MoveId): void {
    this.#election.withdraw(moveId);
    if (this.#checking.delete(moveId)) this.#options.ledger.release(moveId);
  }

  /** `isLasting`: the hypervisor cannot take it, and will not be able to by itself. */
  #refuse(proposal: Gathered, reason: string, isLasting = false): void {
    this.#refusals += 1;
    const { self, guests, ledger, outbox } = this.#options;
    outbox.send(proposal.source, {
      type: "refuse",
      moveId: proposal.moveId,
      reason: reason.slice(0, 400),
      summary: ownSummary(self, guests, ledger),
      ...(isLasting && { lasting: true }),
    });
  }
}
