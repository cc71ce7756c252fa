import { assertNever } from "../base/assert.ts";
import type { Prng } from "../base/prng.ts";
import type { HostOp, HostOpResult, TransferLimits } from "../model/host-op.ts";
import type { MoveId, VmName } from "../model/ids.ts";
import type { TransferProgress } from "../model/transfer-progress.ts";
import type { CopyChange } from "./sim-host.ts";
import { SimHostError } from "./sim-host-error.ts";
import type { SimMachine } from "./sim-machine.ts";
import { simOffer, simRefusal } from "./sim-offer.ts";
import type { SimSurroundings } from "./sim-surroundings.ts";
import type { SimTransfer } from "./sim-transfer.ts";

type End = (result: HostOpResult) => void;

/** A hypervisor process takes this many times as long to start as another order takes. */
const startOrders = 10;
/** A connection that nobody answers is given up after this, ms. */
const connectMsMax = 4_000;
const progressMs = 250;
/** From the start of a member to its first answer, ms. */
const bootMs = { min: 1_000, max: 2_000 } as const;
/** What a member has written when it was staged, bytes. */
const overlayBytes = 2 ** 22;

const done: HostOpResult = { ok: true, value: null };

/**
 * Carries out the orders of one life of an agent at its machine, in the machine's own time. Orders
 * under way when the agent dies take effect or not, and nobody hears of it; those of a paused agent
 * may wait until it goes on.
 */
export class HostOps {
  readonly #machine: SimMachine;
  readonly #world: SimSurroundings;
  readonly #prng: Prng;
  readonly #progressed: (progress: TransferProgress) => void;
  readonly #incoming = new Map<MoveId, { readonly vm: VmName; readonly end: End }>();
  readonly #outgoing = new Map<VmName, SimTransfer>();
  #alive = true;
  #held: (() => void)[] | undefined;

  constructor(options: {
    readonly machine: SimMachine;
    readonly world: SimSurroundings;
    readonly prng: Prng;
    readonly progressed: (progress: TransferProgress) => void;
  }) {
    this.#machine = options.machine;
    this.#world = options.world;
    this.#prng = options.prng;
    this.#progressed = options.progressed;
  }

  die(): void {
    this.#alive = false;
  }

  pause(): void {
    this.#held ??= [];
  }

  proceed(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const run of held) run();
  }

  /** A copy on this machine changed: those who wait for it are told. */
  copyChanged({ vm, after }: CopyChange): void {
    for (const [moveId, waiting] of [...this.#incoming]) {
      if (waiting.vm !== vm || after?.state === "receiving") continue;
      this.#incoming.delete(moveId);
      waiting.end(
        after?.moveId === moveId ? done : failed("MIGRATION_FAILED", `the copy of ${vm} ended`),
      );
    }
  }

  perform(op: HostOp, end: End): void {
    switch (op.op) {
      case "offer":
        this.#answer(op.op, end, () => simOffer(op.spec));
        return;
      case "admit":
        this.#answer(op.op, end, () => {
          const copy = this.#machine.host.copy(op.offer.spec.name);
          const barred = this.#world.admissionRefusal?.(op.moveId) ?? null;
          return { refusal: simRefusal(op.offer, copy) ?? barred };
        });
        return;
      case "awaitIncoming":
        this.#awaitIncoming(op.moveId, op.vm, end);
        return;
      case "connectChannel":
        this.#connect(op, end);
        return;
      case "migrateOut":
        this.#migrateOut(op, end);
        return;
      case "stageMember":
        this.#stage(op, end);
        return;
      case "checkMember":
      case "askMember":
        this.#answer(op.op, end, () => this.#health(op.vm));
        return;
      default:
        this.#answer(op.op, end, () => this.#apply(op));
    }
  }

  /** A member boots in a second or two; its health check has passed then. */
  #stage({ spec }: Extract<HostOp, { op: "stageMember" }>, end: End): void {
    this.#later(bootMs.min + this.#prng.nextShare() * (bootMs.max - bootMs.min), () => {
      const result = resultOf(() => {
        const { host } = this.#machine;
        host.clear(spec.name);
        host.start(spec, this.#world.clock.nowMs);
        return { diskBytes: overlayBytes + spec.memoryBytes };
      });
      this.#later(this.#prng.nextShare() * this.#world.orderMsMax, () => end(result), true);
    });
  }

  #health(vm: VmName): { tookMs: number } {
    const { host } = this.#machine;
    if (!host.answers(vm)) {
      const state = host.copy(vm)?.state ?? "gone";
      throw new SimHostError("VM_STATE", `${vm} does not answer: it is ${state}`);
    }
    return { tookMs: 10 };
  }

  #apply(
    op: Exclude<
      HostOp,
      { op: "offer" | "admit" | "migrateOut" | "stageMember" | "checkMember" | "askMember" }
    >,
  ) {
    const { host } = this.#machine;
    const { nowMs } = this.#world.clock;
    switch (op.op) {
      case "prepareIncoming":
        host.prepareIncoming(op.moveId, op.spec);
        return null;
      case "listenChannel":
        this.#world.channels.listen(op.moveId, op.vm, this.#machine.id);
        return { port: 7000, address: null };
      case "cancelMigration":
        this.#cancel(op.vm, "MIGRATION_CANCELLED", "it was cancelled");
        return null;
      case "closeChannel":
        this.#world.channels.close(op.moveId, this.#machine.id);
        return null;
      case "runIncoming":
        host.runIncoming(op.moveId, op.vm, nowMs);
        return null;
      case "takeBack":
        host.takeBack(op.moveId, op.vm, nowMs);
        return null;
      case "discard":
        host.discard(op.moveId, op.vm);
        return null;
      case "moveVerdict":
        return { verdict: host.moveVerdict(op.vm) };
      case "start":
        host.start(op.spec, nowMs);
        return null;
      case "stop":
        host.stop(op.vm);
        return null;
      case "suspend":
        host.suspend(op.spec, nowMs);
        return { imageBytes: op.spec.memoryBytes };
      case "resume":
        host.resume(op.spec, nowMs);
        return null;
      case "forget":
        host.forget(op.vm);
        return null;
      case "writePolicy":
        return null;
      case "discardMember":
        host.clear(op.spec.name);
        return null;
      case "awaitIncoming":
      case "connectChannel":
        return null;
      default:
        return assertNever(op);
    }
  }

  /** Does `act` some time from now, then tells its value or its error some time later. */
  #answer(op: HostOp["op"], end: End, act: () => object | null): void {
    const { orderMsMax } = this.#world;
    const isSlow = op === "prepareIncoming" || op === "start" || op === "checkMember";
    const orders = isSlow ? startOrders : 1;
    this.#later(this.#prng.nextShare() * orderMsMax * orders, () => {
      const result = this.#fails() ? this.#failure(act) : resultOf(act);
      this.#later(this.#prng.nextShare() * orderMsMax, () => end(result), true);
    });
  }

  #fails(): boolean {
    const share = this.#world.orderFailureShare;
    return share > 0 && this.#prng.nextShare() < share;
  }

  /** An answer that did not come in time says nothing about what was done. */
  #failure(act: () => object | null): HostOpResult {
    if (this.#prng.nextShare() < 0.5) return failed("COMMAND_FAILED", "the hypervisor refused");
    resultOf(act);
    return failed("TIMED_OUT", "the hypervisor did not answer");
  }

  #awaitIncoming(moveId: MoveId, vm: VmName, end: End): void {
    const tell: End = (result) => this.#later(this.#prng.nextShare(), () => end(result), true);
    const copy = this.#machine.host.copy(vm);
    if (copy?.moveId !== moveId) tell(failed("VM_ABSENT", `there is no copy of ${vm} here`));
    else if (copy.state !== "receiving") tell(done);
    else this.#incoming.set(moveId, { vm, end: tell });
  }

  #connect({ moveId, target }: Extract<HostOp, { op: "connectChannel" }>, end: End): void {
    const { links, channels } = this.#world;
    this.#later(this.#prng.nextShare() * this.#world.orderMsMax, () => {
      if (!links.connects(this.#machine.id, target)) {
        const silent = failed("CHANNEL", `nobody answered at ${target}`);
        this.#later(connectMsMax, () => end(silent), true);
        return;
      }
      const connected = channels.connect(moveId, this.#machine.id);
      end(connected ? done : failed("CHANNEL", `${target} refused the connection`));
    });
  }

  #migrateOut(op: Extract<HostOp, { op: "migrateOut" }>, end: End): void {
    this.#later(this.#prng.nextShare() * this.#world.orderMsMax, () => {
      const result = resultOf(() => this.#stream(op, end));
      if (!result.ok) end(result);
    });
  }

  #stream({ moveId, vm, limits }: Extract<HostOp, { op: "migrateOut" }>, end: End): null {
    const spec = this.#machine.host.copy(vm)?.spec;
    if (!spec) throw new SimHostError("VM_ABSENT", `there is no copy of ${vm} here`);
    const load = this.#world.workload.loadOf(spec, this.#world.clock.nowMs);
    const transfer = this.#world.channels.stream({
      moveId,
      vm,
      source: this.#machine.id,
      bytes: load.residentBytes,
      bandwidthBytesPerSecond: this.#world.bandwidthOf(limits),
      dirtyBytesPerSecond: load.dirtyBytesPerSecond ?? 0,
      ended: (error) => {
        if (this.#outgoing.get(vm) === transfer) this.#outgoing.delete(vm);
        const result = error ? failed(error.code, error.message) : sentBy(transfer);
        this.#later(this.#prng.nextShare(), () => end(result), true);
      },
    });
    this.#outgoing.set(vm, transfer);
    this.#watchProgress(vm, transfer, { limits, bytes: -1, sinceMs: this.#world.clock.nowMs });
    return null;
  }

  /** The driver's own look at its transfer: without headway for long enough it is given up. */
  #watchProgress(vm: VmName, transfer: SimTransfer, seen: Headway): void {
    this.#later(
      progressMs,
      () => {
        if (this.#outgoing.get(vm) !== transfer) return;
        const progress = transfer.progress();
        const { nowMs } = this.#world.clock;
        const moved = progress.transferredBytes > seen.bytes;
        const sinceMs = moved ? nowMs : seen.sinceMs;
        if (nowMs - sinceMs >= seen.limits.noProgressMs) {
          this.#cancel(vm, "NO_PROGRESS", "it made no headway");
          return;
        }
        this.#progressed(progress);
        const bytes = progress.transferredBytes;
        this.#watchProgress(vm, transfer, { limits: seen.limits, bytes, sinceMs });
      },
      true,
    );
  }

  #cancel(vm: VmName, code: "MIGRATION_CANCELLED" | "NO_PROGRESS", why: string): void {
    const transfer = this.#outgoing.get(vm);
    if (!transfer) return;
    transfer.breakSource(code, why);
    this.#world.channels.close(transfer.moveId, this.#machine.id);
  }

  /** A paused agent acts later; what it had asked of the hypervisor may still happen in time. */
  #later(delayMs: number, run: () => void, ours = false): void {
    this.#world.clock.after(delayMs, () => {
      if (!this.#alive) return;
      if (this.#held && (ours || this.#prng.nextShare() < 0.5)) this.#held.push(run);
      else run();
    });
  }
}

interface Headway {
  readonly limits: TransferLimits;
  readonly bytes: number;
  readonly sinceMs: number;
}

function resultOf(act: () => object | null): HostOpResult {
  try {
    return { ok: true, value: act() as null };
  } catch (error) {
    if (!(error instanceof SimHostError)) throw error;
    return failed(error.code, error.message);
  }
}

function failed(code: string, message: string): HostOpResult {
  return { ok: false, code, message };
}

function sentBy(transfer: SimTransfer): HostOpResult {
  const { transferredBytes } = transfer.progress();
  const value = { end: "sent" as const, transferredBytes, pausedForMs: transfer.haltedForMs };
  return { ok: true, value };
}
