/**
 * A model of what a member is on: one process, one image on the disk, one journal line, one switch.
 * It carries out the member's orders, and checks at each what must hold.
 */
import { expect } from "vitest";
import type { Member } from "#lib/services/member.ts";
import type { MemberInput, MemberLine, MemberOp, MemberOrder } from "#lib/services/member-order.ts";
import { declared, failed, newMember, succeeded } from "./member-fixture.ts";

/** How far an operation had come when the agent died. */
export type Progress = "not begun" | "half" | "done";

export class ModelHost {
  member: Member;
  nowMs = 0;
  readonly #declared = { staged: true, digest: "one" };
  #image: { digest: string; consumed: boolean } | null = null;
  #process: { digest: string } | null = null;
  #op: MemberOp | null = null;
  /** Template that the staging under way was ordered with. */
  #staging = "";
  #switch: "ready" | "drain" | "maint" = "maint";
  #drain = { round: 0, limitMs: 0, drained: false };
  #line: MemberLine | null = null;

  constructor() {
    this.member = newMember(this.#declared);
    this.tell({ type: "restarted", found: "none", line: null });
  }

  tell(input: MemberInput): void {
    for (const order of this.member.handle(input, this.nowMs)) this.#obey(order);
    this.#check();
  }

  declare(changes: { staged?: boolean; digest?: string }): void {
    Object.assign(this.#declared, changes);
    this.tell(declared(this.#declared));
  }

  drained(): void {
    this.#drain.drained = true;
    this.tell({ type: "drained", round: this.#drain.round });
  }

  /** Ends the operation under way, if there is one. */
  endOp(wanted: "ok" | "failed"): void {
    const op = this.#op;
    if (op === null) return;
    this.#op = null;
    const works = op !== "suspend" && op !== "check" ? true : this.#process !== null;
    const ok = wanted === "ok" && works;
    this.#carryOut(op, ok ? "done" : op === "discard" ? "not begun" : "half");
    this.tell(ok ? succeeded(op) : failed(op));
  }

  lose(): void {
    if (this.#process === null) return;
    this.#process = null;
    this.tell({ type: "lost", reason: "killed" });
  }

  /** The agent dies while its operation has come so far, and starts again. */
  restart({ progress, powerCut }: { progress: Progress; powerCut: boolean }): void {
    if (this.#op !== null) this.#carryOut(this.#op, progress);
    this.#op = null;
    if (powerCut) this.#process = null;
    this.member = newMember(this.#declared);
    const found = this.#process
      ? "running"
      : this.#image && (this.#image.consumed ? "stale" : "suspended");
    this.tell({ type: "restarted", found: found ?? "none", line: this.#line });
  }

  /** Everything goes well from now on. */
  calmDown(): void {
    for (let step = 0; step < 40; step++) {
      this.nowMs = Math.max(this.nowMs, this.member.nextTimeoutMs ?? 0);
      this.tell({ type: "timeout" });
      this.tell({ type: "mayStage" });
      this.endOp("ok");
    }
    if (this.#declared.staged) {
      expect(["suspended", "running"]).toContain(this.member.state);
    } else {
      expect([this.member.state, this.#image, this.#process]).toEqual(["absent", null, null]);
    }
  }

  #obey(order: MemberOrder): void {
    if (order.type === "journal") this.#line = order.line;
    else if (order.type === "run") this.#begin(order.op);
    else if (order.to === "drain") {
      this.#switch = "drain";
      this.#drain = { round: order.round, limitMs: this.nowMs + 10_000, drained: false };
    } else this.#switch = order.to;
  }

  #begin(op: MemberOp): void {
    must(this.#op === null, "one operation at a time");
    this.#op = op;
    if (op === "stage") {
      must(this.#process === null, "nothing runs where a member is staged");
      this.#staging = this.#declared.digest;
    }
    if (op === "resume") {
      must(this.#image?.consumed === false, "an image is resumed once");
      must(this.#image?.digest === this.#declared.digest, "an old image is not resumed");
      must(this.#line?.wantsRunning === true, "the journal knows first");
    }
    if (op === "suspend") {
      must(this.#switch === "maint", "no switch sends anything to what is suspended");
      const inTime = this.#drain.drained || this.nowMs >= this.#drain.limitMs;
      must(this.member.state === "staging" || inTime, "drained, or at the limit");
    }
  }

  #carryOut(op: MemberOp, progress: Progress): void {
    if (progress === "not begun") return;
    const done = progress === "done";
    if (op === "stage") {
      this.#image = null;
      this.#process = { digest: this.#staging };
    } else if (op === "resume" && this.#image) {
      must(!this.#image.consumed, "an image is resumed once");
      this.#image = { ...this.#image, consumed: true };
      if (done) this.#process = { digest: this.#image.digest };
    } else if (op === "suspend" && done && this.#process) {
      this.#image = { digest: this.#process.digest, consumed: false };
      this.#process = null;
    } else if (op === "discard") {
      this.#process = null;
      if (done) this.#image = null;
    }
  }

  #check(): void {
    const { state } = this.member;
    const serves = state === "running" || state === "resuming";
    must(this.#switch !== "ready" || serves, "a switch sends requests to what serves alone");
    const whole = this.#switch === "ready" && this.#process !== null;
    must(state !== "running" || whole, "what runs is at the switch");
    must(state !== "suspended" || this.#image?.consumed === false, "suspended has a good image");
    must(state !== "absent" || this.#process === null, "absent leaves nothing that runs");
  }
}

/** As `expect`, and a hundred times faster. */
function must(holds: boolean, rule: string): void {
  if (!holds) throw new Error(`broken: ${rule}`);
}
