import type { HostOp, HostOpResult, MoveVerdict } from "#lib/model/host-op.ts";
import type { SourceLine, TargetLine } from "#lib/moves/move-line.ts";
import type { SourceMove } from "#lib/moves/source-move.ts";
import type { TargetMove } from "#lib/moves/target-move.ts";

export type PairRole = "source" | "target";
export type PairCopy = "none" | "running" | "sending" | "sent" | "receiving" | "received";

/** One host: what is durable, what its hypervisor has, and the agent's life. */
export interface PairHost {
  readonly role: PairRole;
  move: SourceMove | TargetMove | null;
  alive: boolean;
  line: SourceLine | TargetLine | null;
  owned: number | undefined;
  copy: PairCopy;
  orders: HostOp[];
  results: { op: HostOp["op"]; result: HostOpResult }[];
  dieAtWriting: "before" | "after" | null;
  ended: string | null;
}

export const ok = (value: Extract<HostOpResult, { ok: true }>["value"] = null): HostOpResult => ({
  ok: true,
  value,
});
export const no = (code: string): HostOpResult => ({ ok: false, code, message: code });

export function newPairHost(role: PairRole, owned: number | undefined, copy: PairCopy): PairHost {
  const nothing = { line: null, orders: [], results: [], dieAtWriting: null, ended: null };
  return { role, owned, copy, move: null, alive: true, ...nothing };
}

export function verdictOn(copy: PairCopy): MoveVerdict {
  switch (copy) {
    case "sent":
    case "received":
      return "open";
    case "running":
      return "aborted";
    case "none":
      return "gone";
    default:
      return "in-doubt";
  }
}
