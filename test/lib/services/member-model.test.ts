/**
 * One member on a model of its host, through anything in any order: the agent dies and comes back at
 * every point of every operation, the power is cut, templates change, disks are full. What must hold
 * is checked at each order.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Member } from "#lib/services/member.ts";
import type { MemberInput, MemberLine, MemberOp, MemberOrder } from "#lib/services/member-order.ts";
import { declared, failed, newMember, succeeded } from "../../support/member-fixture.ts";

type Progress = "not begun" | "half" | "done";

class ModelHost {
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
    expect(this.#op).toBe(null);
    this.#op = op;
    if (op === "stage") {
      expect(this.#process).toBe(null);
      this.#staging = this.#declared.digest;
    }
    if (op === "resume") {
      expect(this.#image).toEqual({ digest: this.#declared.digest, consumed: false });
      expect(this.#line?.wantsRunning).toBe(true);
    }
    if (op === "suspend") {
      expect(this.#switch).toBe("maint");
      const inTime = this.#drain.drained || this.nowMs >= this.#drain.limitMs;
      if (this.member.state === "suspending") expect(inTime).toBe(true);
    }
  }

  #carryOut(op: MemberOp, progress: Progress): void {
    if (progress === "not begun") return;
    const done = progress === "done";
    if (op === "stage") {
      this.#image = null;
      this.#process = { digest: this.#staging };
    } else if (op === "resume" && this.#image) {
      expect(this.#image.consumed).toBe(false);
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
    if (this.#switch === "ready") expect(["running", "resuming"]).toContain(state);
    if (state === "running")
      expect([this.#switch, this.#process]).toEqual(["ready", expect.anything()]);
    if (state === "suspended") expect(this.#image).toMatchObject({ consumed: false });
    if (state === "absent") expect(this.#process).toBe(null);
  }
}

const step = fc.oneof(
  { weight: 8, arbitrary: fc.constant((host: ModelHost) => host.endOp("ok")) },
  { weight: 4, arbitrary: fc.constant((host: ModelHost) => host.tell({ type: "mayStage" })) },
  { weight: 4, arbitrary: fc.constant((host: ModelHost) => host.tell({ type: "run" })) },
  { weight: 3, arbitrary: fc.constant((host: ModelHost) => host.tell({ type: "rest" })) },
  { weight: 2, arbitrary: fc.constant((host: ModelHost) => host.drained()) },
  { weight: 2, arbitrary: fc.constant((host: ModelHost) => host.endOp("failed")) },
  { weight: 1, arbitrary: fc.constant((host: ModelHost) => host.lose()) },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 1, max: 9_000 }).map((afterMs) => (host: ModelHost) => {
      host.nowMs += afterMs;
      host.tell({ type: "timeout" });
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ staged: fc.boolean(), digest: fc.constantFrom("one", "two", "three") })
      .map((changes) => (host: ModelHost) => host.declare(changes)),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({
        progress: fc.constantFrom<Progress>("not begun", "half", "done"),
        powerCut: fc.boolean(),
      })
      .map((how) => (host: ModelHost) => host.restart(how)),
  },
);

test("Member keeps its rules through any sequence of events, and is well again afterwards", () => {
  const reached = new Set<string>();
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100, size: "max" }), (steps) => {
      const host = new ModelHost();
      for (const one of steps) {
        one(host);
        reached.add(host.member.state);
      }
      host.calmDown();
    }),
    { numRuns: 500 },
  );
  // The sequences lead through every state, or they prove nothing.
  expect([...reached].sort()).toEqual(
    ["absent", "discarding", "draining", "resuming", "running", "stale", "staging"]
      .concat(["suspended", "suspending"])
      .sort(),
  );
});
