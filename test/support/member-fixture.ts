import { Member } from "#lib/services/member.ts";
import type { MemberInput, MemberOp, MemberOrder } from "#lib/services/member-order.ts";

export const memberParams = { retryMsMin: 1_000, retryMsMax: 8_000, leaveMs: 2_000 };

/** Declared as staged, from template "one", with 10 s to drain. */
export function newMember(changes: { staged?: boolean; digest?: string } = {}): Member {
  const declared = { staged: true, digest: "one", drainMs: 10_000, ...changes };
  return new Member({ params: memberParams, declared });
}

export const succeeded = (op: MemberOp): MemberInput => ({
  type: "opEnded",
  op,
  result: { ok: true },
});

export const failed = (op: MemberOp, reason = "no space left on device"): MemberInput => ({
  type: "opEnded",
  op,
  result: { ok: false, reason },
});

export const declared = (changes: { staged?: boolean; digest?: string } = {}): MemberInput => ({
  type: "declared",
  staged: true,
  digest: "one",
  drainMs: 10_000,
  ...changes,
});

/** An order in a few words: `journal one, runs`, `run stage`, `switch drain`. */
export function wordsOfOrder(order: MemberOrder): string {
  if (order.type === "run") return `run ${order.op}`;
  if (order.type === "switch") return `switch ${order.to}`;
  const { digest, wantsRunning } = order.line;
  return `journal ${digest ?? "nothing"}${wantsRunning ? ", runs" : ""}`;
}
