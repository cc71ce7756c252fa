import { assert, assertNever } from "../base/assert.ts";
import { earliestMs } from "../base/earliest.ts";
import { wireLimits } from "../wire/limits.ts";
import type { MemberState } from "./member-entry.ts";
import type {
  MemberInput,
  MemberLine,
  MemberOp,
  MemberOpResult,
  MemberOrder,
} from "./member-order.ts";
import type { ServiceParams } from "./params.ts";
import { Retry } from "./retry.ts";

export interface MemberOptions {
  readonly params: Pick<ServiceParams, "retryMsMin" | "retryMsMax" | "leaveMs">;
  /** What the document wants at the start; later by `declared`. */
  readonly declared: Declared;
}

type Declared = Pick<Input<"declared">, "staged" | "digest" | "drainMs">;
type Input<Type extends MemberInput["type"]> = Extract<MemberInput, { type: Type }>;

/**
 * The one member of a service on this host (DESIGN 7): absent, staged, resumed, drained, suspended.
 * An image is resumed at most once, and only while it is of the template that is wanted; a running
 * member is suspended only after the switches have drained it, or the limit has passed. Anything
 * else that happens ends in a discard, and in staging it anew.
 */
export class Member {
  readonly #retry: Retry;
  /** Failed suspends have waits of their own: the member serves meanwhile. */
  readonly #suspendRetry: Retry;
  readonly #leaveMs: number;
  #state: MemberState = "absent";
  #op: MemberOp | null = null;
  #declared: Declared;
  #wantsRunning = false;
  /** Template of the copy or image here; null when it is good for nothing. */
  #madeFrom: string | null = null;
  /** Template that the staging under way began with. */
  #stagedFrom = "";
  #image: "none" | "good" | "consumed" = "none";
  /** It ran and failed its health check: not worth an image. */
  #isUnwell = false;
  #drain = { round: 0, untilMs: 0, over: false, isPast: false };
  #obstacle = "";
  readonly #orders: MemberOrder[] = [];

  constructor({ params, declared }: MemberOptions) {
    this.#declared = declared;
    this.#retry = new Retry(params);
    this.#leaveMs = params.leaveMs;
    this.#suspendRetry = new Retry(params);
  }

  get state(): MemberState {
    return this.#state;
  }

  /** Why it is not what it should be, in words; "" when nothing is in the way. */
  get obstacle(): string {
    return this.#obstacle;
  }

  /** It runs from another template than the one that is wanted. */
  get outdated(): boolean {
    const runs = ["resuming", "running", "draining", "suspending"].includes(this.#state);
    return runs && this.#madeFrom !== this.#declared.digest;
  }

  /** It runs and fails its health check, or did so when it began to drain. */
  get unwell(): boolean {
    return this.#isUnwell && ["running", "draining"].includes(this.#state);
  }

  /** It would be staged now, if its turn had come. */
  waiting(nowMs: number): boolean {
    const empty = this.#state === "absent" || this.#state === "stale";
    return empty && this.#declared.staged && this.#retry.due(nowMs);
  }

  /** Why it should not be asked to rest now, in words; null when it may. An old one is discarded. */
  restRefusal(nowMs: number): string | null {
    return this.outdated || this.unwell || this.#suspendRetry.due(nowMs)
      ? null
      : `could not be suspended: ${this.#obstacle}`;
  }

  /** When to call `handle` with a timeout, and to ask `waiting` again; undefined for never. */
  get nextTimeoutMs(): number | undefined {
    const drainMs = this.#state === "draining" ? this.#drain.untilMs : undefined;
    const idle = this.#op === null && ["absent", "stale", "discarding"].includes(this.#state);
    const wanted = this.#declared.staged || this.#state === "discarding";
    return earliestMs(drainMs, idle && wanted ? this.#retry.atMs : undefined);
  }

  /** Takes one fact and returns what to do, in order. Facts that no longer matter do nothing. */
  handle(input: MemberInput, nowMs: number): readonly MemberOrder[] {
    this.#take(input, nowMs);
    this.#settle(nowMs);
    return this.#orders.splice(0);
  }

  #take(input: MemberInput, nowMs: number): void {
    switch (input.type) {
      case "restarted":
        this.#onRestarted(input, nowMs);
        return;
      case "declared":
        this.#onDeclared(input);
        return;
      case "mayStage":
        if (this.waiting(nowMs)) this.#stage();
        return;
      case "run":
        this.#onRun();
        return;
      case "rest":
        if (this.restRefusal(nowMs) === null) this.#wantsRunning = false;
        return;
      case "drained":
        if (input.round === this.#drain.round) this.#drain.over = true;
        return;
      case "opEnded":
        this.#onOpEnded(input, nowMs);
        return;
      case "health":
        this.#isUnwell = !input.well;
        return;
      case "lost":
        this.#onLost(input.reason, nowMs);
        return;
      case "timeout":
        return;
      default:
        assertNever(input);
    }
  }

  /** Brings what is stable nearer to what is wanted; states with an operation wait for its end. */
  #settle(nowMs: number): void {
    if (this.#op !== null) return;
    switch (this.#state) {
      case "suspended":
        this.#settleSuspended();
        return;
      case "stale":
        if (!this.#declared.staged) this.#discard();
        return;
      case "running":
        if (!this.#declared.staged || !this.#wantsRunning) this.#beginDrain(nowMs);
        return;
      case "draining":
        this.#settleDraining(nowMs);
        return;
      case "discarding":
        if (this.#retry.due(nowMs)) this.#discard();
        return;
      default:
        return;
    }
  }

  #settleSuspended(): void {
    if (!this.#declared.staged) this.#discard();
    else if (this.#madeFrom !== this.#declared.digest) this.#spoil("the template changed");
    else if (this.#wantsRunning) this.#resume();
  }

  #onRestarted({ found, line }: Input<"restarted">, nowMs: number): void {
    assert(this.#state === "absent" && this.#op === null, "a member is found once, at the start");
    this.#madeFrom = line?.digest ?? null;
    const whole = this.#madeFrom !== null;
    if (found === "running" && whole && line?.wantsRunning) {
      // It stays in the switches as it was: a restart of the agent is no loss of its host.
      this.#wantsRunning = true;
      this.#image = "consumed";
      this.#begin("resuming", "check");
      return;
    }
    if (found === "running" && whole) {
      this.#image = "consumed";
      this.#beginDrain(nowMs);
    } else if (found === "running") this.#discard();
    else this.#onFoundAtRest(found, line);
  }

  #onFoundAtRest(found: "suspended" | "stale" | "none", line: MemberLine | null): void {
    this.#orders.push({ type: "switch", to: "maint" });
    if (found === "suspended" && this.#madeFrom !== null) {
      this.#image = "good";
      this.#state = "suspended";
      // Decided so long ago that the steward may want otherwise: it proposes again if not.
      if (line?.wantsRunning) this.#journal();
    } else if (found !== "none") this.#spoil("it was not suspended cleanly");
    else if (line !== null) this.#forget();
  }

  #onDeclared(declared: Declared): void {
    if (declared.digest !== this.#declared.digest) {
      // What failed with the last template may succeed with this one.
      if (this.#op === null && this.#state !== "discarding") this.#retry.succeeded();
      this.#suspendRetry.succeeded();
    }
    this.#declared = declared;
  }

  #onRun(): void {
    if (!this.#declared.staged) return;
    const comes = ["suspended", "resuming", "draining", "suspending"].includes(this.#state);
    if (comes) this.#wantsRunning = true;
    if (this.#state === "draining") this.#serve();
  }

  #onOpEnded({ op, result }: Input<"opEnded">, nowMs: number): void {
    if (op !== this.#op) return;
    this.#op = null;
    if (this.#state === "staging") this.#onStaging(op, result, nowMs);
    else if (this.#state === "resuming") this.#onResuming(op, result, nowMs);
    else if (this.#state === "suspending") this.#onSuspended(result, nowMs);
    else this.#onDiscarded(result, nowMs);
  }

  #onStaging(op: MemberOp, result: MemberOpResult, nowMs: number): void {
    if (!result.ok) this.#fail(result.reason, nowMs);
    else if (!this.#declared.staged || this.#stagedFrom !== this.#declared.digest) this.#discard();
    else if (op === "stage") this.#begin("staging", "suspend");
    else {
      this.#madeFrom = this.#stagedFrom;
      this.#image = "good";
      this.#state = "suspended";
      this.#well();
      this.#journal();
    }
  }

  #onResuming(op: MemberOp, result: MemberOpResult, nowMs: number): void {
    if (!result.ok) this.#fail(result.reason, nowMs);
    else if (op === "resume") this.#begin("resuming", "check");
    else {
      this.#well();
      this.#serve();
    }
  }

  #onSuspended(result: MemberOpResult, nowMs: number): void {
    if (result.ok) {
      this.#image = "good";
      this.#state = "suspended";
      this.#suspendRetry.succeeded();
      this.#well();
      return;
    }
    this.#suspendRetry.failed(nowMs);
    this.#note(result.reason);
    if (!this.#declared.staged || this.outdated) {
      this.#discard();
      return;
    }
    // It may have died of it: the switches get it back once its health check has passed.
    this.#wantsRunning = true;
    this.#journal();
    this.#begin("resuming", "check");
  }

  #onDiscarded(result: MemberOpResult, nowMs: number): void {
    if (result.ok) {
      this.#image = "none";
      this.#state = "absent";
      return;
    }
    this.#retry.failed(nowMs);
    this.#note(result.reason);
  }

  #onLost(reason: string, nowMs: number): void {
    // An operation under way finds out by itself.
    if (this.#op !== null || this.#state === "discarding") return;
    if (this.#state !== "absent" && this.#state !== "stale") this.#fail(reason, nowMs);
  }

  #stage(): void {
    this.#stagedFrom = this.#declared.digest;
    this.#image = "none";
    this.#forget();
    this.#begin("staging", "stage");
  }

  #resume(): void {
    assert(this.#image === "good", "an image is resumed at most once");
    assert(this.#madeFrom === this.#declared.digest, "an image of another template is not resumed");
    this.#image = "consumed";
    this.#journal();
    this.#begin("resuming", "resume");
  }

  #serve(): void {
    this.#state = "running";
    this.#isUnwell = false;
    this.#journal();
    this.#orders.push({ type: "switch", to: "ready" });
  }

  #beginDrain(nowMs: number): void {
    this.#wantsRunning = false;
    this.#state = "draining";
    const round = this.#drain.round + 1;
    const untilMs = nowMs + this.#declared.drainMs;
    this.#drain = { round, untilMs, over: false, isPast: false };
    this.#journal();
    this.#orders.push({ type: "switch", to: "drain", round });
  }

  /** A switch may have it in service to the last: it takes a moment to hear that the limit has passed. */
  #settleDraining(nowMs: number): void {
    const { over, untilMs, isPast } = this.#drain;
    if (over || (isPast && nowMs >= untilMs)) this.#leaveSwitch(nowMs);
    else if (nowMs >= untilMs) {
      this.#drain = { ...this.#drain, untilMs: nowMs + this.#leaveMs, isPast: true };
      this.#orders.push({ type: "switch", to: "maint" });
    }
  }

  #leaveSwitch(nowMs: number): void {
    assert(this.#state === "draining", "only a drained member leaves the switch");
    if (this.#isUnwell && this.#declared.staged) {
      this.#fail("it failed its health check", nowMs);
      return;
    }
    if (!this.#declared.staged || this.outdated) {
      this.#discard();
      return;
    }
    this.#orders.push({ type: "switch", to: "maint" });
    this.#begin("suspending", "suspend");
  }

  #spoil(why: string): void {
    this.#state = "stale";
    this.#note(why);
    this.#forget();
  }

  /** Whatever is left of it is not worth the doubt; it is staged anew, after a while. */
  #fail(reason: string, nowMs: number): void {
    this.#retry.failed(nowMs);
    this.#note(reason);
    this.#discard();
  }

  #discard(): void {
    this.#forget();
    this.#orders.push({ type: "switch", to: "maint" });
    this.#begin("discarding", "discard");
  }

  /** What is here is good for nothing from now on, and nobody counts on it. */
  #forget(): void {
    this.#madeFrom = null;
    this.#wantsRunning = false;
    this.#suspendRetry.succeeded();
    this.#journal();
  }

  #begin(state: MemberState, op: MemberOp): void {
    assert(this.#op === null, `one operation at a time: ${op} during ${this.#op}`);
    this.#state = state;
    this.#op = op;
    this.#orders.push({ type: "run", op });
  }

  #well(): void {
    this.#retry.succeeded();
    // A suspend that failed is still in the way of the next.
    if (this.#suspendRetry.atMs === undefined) this.#obstacle = "";
  }

  #note(reason: string): void {
    this.#obstacle = reason.slice(0, wireLimits.obstacleLengthMax);
  }

  #journal(): void {
    const line: MemberLine = { digest: this.#madeFrom, wantsRunning: this.#wantsRunning };
    this.#orders.push({ type: "journal", line });
  }
}
