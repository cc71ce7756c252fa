import type { ActionReason } from "../model/action.ts";
import {
  type EndingState,
  endingIsOver,
  type HostShutdown,
  type VmEnding,
} from "../model/host-shutdown.ts";
import type { VmName } from "../model/ids.ts";
import type { Verb, VerbResult } from "../model/verb.ts";
import { policyDefaults, type ShutdownPolicy } from "../model/vm-spec.ts";
import { copyAllowsEnding, type Guest, type GuestTable, hasMemory } from "./guest-table.ts";
import type { Mover } from "./mover.ts";
import type { Outbox } from "./outbox.ts";
import type { Self } from "./self.ts";
import type { Surroundings } from "./surroundings.ts";
import { verbSuccess } from "./verb-results.ts";

/** Guests that are ended at one time: each suspend writes its memory to the same disk. */
const endingMax = 4;
/** Before the end of its time, what still runs is ended all at once, ms. */
const hurryMs = 45_000;
/** Guests that wait for a move that does not come are suspended after this, ms. */
const stuckMs = 20_000;
const lookMs = 500;

type Way = "suspend" | "stop";

export interface ShutdownDeskOptions {
  readonly self: Self;
  readonly outbox: Outbox;
  readonly guests: GuestTable;
  readonly mover: Pick<Mover, "table">;
  /** Ends a guest, that stays wanted as it was: so it runs again after the boot. */
  readonly end: (guest: Guest, way: Way, nowMs: number) => void;
  readonly surroundings: Pick<Surroundings, "others">;
  /** Why this host must not act for this reason now, in words; null when it may. */
  readonly heldBack: (reason: ActionReason, nowMs: number) => string | null;
  readonly reply: (requestId: string, result: VerbResult) => void;
  readonly changed: (nowMs: number) => void;
}

interface Ending {
  readonly wanted: ShutdownPolicy;
  readonly priority: number;
  state: EndingState;
  detail: string;
  /** What was tried of it already. */
  readonly tried: Set<Way>;
}

/**
 * Ends this host's guests as each one's policy says, because the host itself shuts down. Who may
 * move leaves by the election, as in a drain; the others are ended meanwhile, those of the least
 * priority first. All of it within a time: what is left then ends as it would have without evenkeel.
 */
export class ShutdownDesk {
  readonly #options: ShutdownDeskOptions;
  readonly #endings = new Map<VmName, Ending>();
  #untilMs: number | undefined;
  #movedAtMs = 0;
  #lookAtMs: number | undefined;
  #isDone = false;

  constructor(options: ShutdownDeskOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#untilMs !== undefined;
  }

  get nextTimeoutMs(): number | undefined {
    return this.#isDone ? undefined : this.#lookAtMs;
  }

  shown(): HostShutdown | null {
    if (!this.isOpen) return null;
    const vms = [...this.#endings].map(
      ([vm, { wanted, state, detail }]): VmEnding => ({ vm, wanted, state, detail }),
    );
    return { vms, isDone: this.#isDone };
  }

  begin(requestId: string, verb: Extract<Verb, { verb: "shutdown" }>, nowMs: number): void {
    const { self, reply, changed } = this.#options;
    if (!this.isOpen) {
      this.#untilMs = nowMs + verb.deadlineMs;
      this.#movedAtMs = nowMs;
      // Not kept: after the boot the host takes guests again.
      self.draining = true;
      changed(nowMs);
      this.#look(nowMs);
    }
    const count = this.#endings.size;
    reply(requestId, verbSuccess(202, `${self.options.name} ends its guests: ${count} run`));
  }

  /** The host stays after all: what still runs runs on. */
  cancel(nowMs: number): void {
    if (!this.isOpen) return;
    this.#untilMs = undefined;
    this.#lookAtMs = undefined;
    this.#isDone = false;
    this.#endings.clear();
    for (const guest of this.#options.guests.all()) guest.parting = null;
    this.#options.changed(nowMs);
  }

  /** Something ended, moved or was listed. */
  happened(nowMs: number): void {
    if (this.isOpen) this.#look(nowMs);
  }

  timeout(nowMs: number): void {
    if (this.#lookAtMs !== undefined && nowMs >= this.#lookAtMs) this.#look(nowMs);
  }

  #look(nowMs: number): void {
    this.#lookAtMs = nowMs + lookMs;
    for (const guest of this.#options.guests.all()) this.#meet(guest);
    for (const [vm, ending] of this.#endings) this.#follow(vm, ending, nowMs);
    this.#beginNext(nowMs);
    this.#isDone = [...this.#endings.values()].every(({ state }) => endingIsOver(state));
  }

  /** A guest that lives and was not looked at yet: it may also have come by a move since. */
  #meet(guest: Guest): void {
    const { name, policy } = guest.owned.spec;
    if (this.#endings.has(name) || !(hasMemory(guest.copy) || guest.action !== null)) return;
    const wanted =
      policy.managed === false ? "leave" : (policy.shutdown ?? policyDefaults.shutdown);
    const priority = policy.priority ?? policyDefaults.priority;
    const ending: Ending = { wanted, priority, state: "waiting", detail: "", tried: new Set() };
    this.#endings.set(name, ending);
    guest.parting = wanted === "migrate" ? "leaves" : "ends";
    if (wanted === "leave") this.#over(name, ending, "left");
    else if (wanted === "migrate") ending.state = "leaving";
  }

  #follow(vm: VmName, ending: Ending, nowMs: number): void {
    if (endingIsOver(ending.state)) return;
    const { guests, mover } = this.#options;
    const guest = guests.get(vm);
    const isMoving = mover.table.ofVm(vm) !== undefined;
    if (isMoving) this.#movedAtMs = nowMs;
    if (isMoving || (guest && guest.action !== null)) return;
    if (!guest) {
      this.#over(vm, ending, "moved");
      this.#movedAtMs = nowMs;
      return;
    }
    if (!hasMemory(guest.copy)) {
      this.#over(vm, ending, guest.copy === "suspended" ? "suspended" : "off");
    } else if (ending.state === "ending") {
      ending.state = "waiting";
    } else if (ending.state === "leaving") {
      const why = this.#staysBecause(guest, nowMs);
      if (why !== null) this.#giveUpMoving(guest, ending, why);
    }
  }

  /** Why a guest that was to leave will not, in words; null while it may. */
  #staysBecause(guest: Guest, nowMs: number): string | null {
    const { pin, ignore } = guest.owned.spec.policy;
    if (ignore) return "the balancer is to ignore it";
    if (pin !== null && pin === this.#options.self.options.name) return "it is pinned here";
    if (guest.policyProblem !== null) return guest.policyProblem;
    if (guest.obstacle !== null) return guest.obstacle;
    if (this.#isHurried(nowMs)) return "the time is over";
    if (nowMs - this.#movedAtMs >= stuckMs) return "no host took it";
    const { heldBack, surroundings } = this.#options;
    if (surroundings.others().every(({ draining }) => draining)) return "no other host takes VMs";
    return heldBack("drain", nowMs);
  }

  #giveUpMoving(guest: Guest, ending: Ending, why: string): void {
    guest.parting = "ends";
    ending.state = "waiting";
    ending.detail = `not moved: ${why}`;
  }

  #beginNext(nowMs: number): void {
    const waiting = [...this.#endings].filter(([, { state }]) => state === "waiting");
    const least = Math.min(
      ...[...this.#endings.values()]
        .filter(({ state }) => state === "waiting" || state === "ending")
        .map(({ priority }) => priority),
    );
    for (const [vm, ending] of waiting) {
      const guest = this.#options.guests.get(vm);
      if (!guest || guest.action !== null || this.#options.mover.table.ofVm(vm)) continue;
      if (
        !this.#isHurried(nowMs) &&
        (ending.priority > least || this.#endingCount() >= endingMax)
      ) {
        continue;
      }
      this.#end(guest, ending, nowMs);
    }
  }

  #end(guest: Guest, ending: Ending, nowMs: number): void {
    const vm = guest.owned.spec.name;
    const way = wayOf(guest, ending);
    if (way === undefined) {
      this.#over(vm, ending, "failed");
      return;
    }
    if (ending.tried.size > 0) ending.detail = `${ending.detail} it could not be suspended`.trim();
    ending.tried.add(way);
    ending.state = "ending";
    this.#options.end(guest, way, nowMs);
  }

  #endingCount(): number {
    return [...this.#endings.values()].filter(({ state }) => state === "ending").length;
  }

  #isHurried(nowMs: number): boolean {
    return nowMs >= (this.#untilMs ?? 0) - hurryMs;
  }

  #over(vm: VmName, ending: Ending, state: EndingState): void {
    ending.state = state;
    const { wanted, detail } = ending;
    const words = `${vm}: ${endingWords[state]}${detail === "" ? "" : ` (${detail})`}`;
    const level = state === "failed" ? "warn" : "info";
    const message = `${words}, as the host shuts down`;
    this.#options.outbox.notice(level, "shutdown", message, { vm, wanted, state });
  }
}

/** What to try next: a guest that cannot be suspended is asked to power off. */
function wayOf(guest: Guest, { wanted, tried }: Ending): Way | undefined {
  if (!copyAllowsEnding(guest.copy)) return undefined;
  const ways: readonly Way[] = wanted === "off" ? ["stop"] : ["suspend", "stop"];
  return ways.find((way) => !tried.has(way));
}

const endingWords: Readonly<Record<EndingState, string>> = {
  waiting: "waits",
  leaving: "leaves",
  ending: "ends",
  off: "off",
  suspended: "suspended",
  moved: "moved to another host",
  left: "left to end by itself",
  failed: "could not be ended",
};
