import type { HostOpName, HostOpResult, MoveVerdict } from "#lib/model/host-op.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import type { MoveFacts } from "#lib/moves/move-line.ts";
import type { MoveInput, MoveOrder } from "#lib/moves/move-order.ts";
import type { MoveMessage, SourceAnswer, TargetAnswer } from "#lib/wire/messages.ts";

/** Version 7 of `web` moves, and would be version 8 at the target. */
export const moveId = "web.8.00112233445566aa";

export const spec: VmSpec = {
  name: "web",
  vcpus: 1,
  memoryBytes: 64 * 2 ** 20,
  machine: "microvm",
  kernel: null,
  disks: [],
  network: { kind: "none" },
  policy: { pin: null, ignore: false, antiAffinityGroup: null, affinityGroup: null },
};

export const diskSpec: VmSpec = { ...spec, disks: [{ path: "/srv/web.raw", format: "raw" }] };

export function factsOf(peer: string, changes: Partial<MoveFacts> = {}): MoveFacts {
  return {
    moveId,
    vm: "web",
    peer,
    version: 7,
    spec,
    reason: "imbalance",
    gain: 0.1,
    cost: 0.01,
    recentMoves: 0,
    ...changes,
  };
}

/** Orders in a line each, so that a table can say them: "journal running, own 8", "send held". */
export function wordsOf(orders: readonly MoveOrder[]): string[] {
  return orders.map((order) => {
    switch (order.type) {
      case "journal":
        return `journal ${order.line?.phase ?? "nothing"}${ownerWords(order.owner)}`;
      case "send":
        return `send ${messageWords(order.message)}`;
      case "run":
        return `run ${order.op.op}`;
      case "warn":
        return `warn ${order.code}`;
      default:
        return `ended ${order.end.result}`;
    }
  });
}

function ownerWords(owner: Extract<MoveOrder, { type: "journal" }>["owner"]): string {
  if (owner.kind === "keep") return "";
  return owner.kind === "own" ? `, own ${owner.version}` : ", disown";
}

function messageWords(message: MoveMessage): string {
  switch (message.type) {
    case "sourceAnswer":
    case "targetAnswer":
      return message.answer;
    case "query":
      return `query as ${message.asker}`;
    default:
      return message.type;
  }
}

export function message(message: MoveMessage): MoveInput {
  return { type: "message", message };
}

export function plain(type: "begin" | "held" | "commit" | "close" | "grant"): MoveInput {
  return message({ type, moveId });
}

export function query(asker: "source" | "target"): MoveInput {
  return message({ type: "query", moveId, asker });
}

export function abort(reason = "changed its mind"): MoveInput {
  return message({ type: "abort", moveId, reason });
}

export function ready(channelAddress: string | null = null): MoveInput {
  return message({ type: "ready", moveId, channelPort: 4001, channelAddress });
}

export function targetSays(answer: TargetAnswer, detail = ""): MoveInput {
  return message({ type: "targetAnswer", moveId, answer, detail });
}

export function sourceSays(answer: SourceAnswer): MoveInput {
  return message({ type: "sourceAnswer", moveId, answer });
}

type OkResult = Extract<HostOpResult, { ok: true }>;

export function succeeded(op: HostOpName, value: OkResult["value"] = null): MoveInput {
  return { type: "opEnded", op, result: { ok: true, value } };
}

export function failed(op: HostOpName, code = "HYPERVISOR_FAILED"): MoveInput {
  return { type: "opEnded", op, result: { ok: false, code, message: `${op} failed` } };
}

export function verdict(found: MoveVerdict): MoveInput {
  return succeeded("moveVerdict", { verdict: found });
}

export function sentOff(end: "sent" | "handed" = "sent"): MoveInput {
  return succeeded("migrateOut", { end, transferredBytes: 5_000, pausedForMs: 20 });
}

export function listed(state: Extract<MoveInput, { type: "copyListed" }>["state"]): MoveInput {
  return { type: "copyListed", state };
}

export const happens = {
  timeout: { type: "timeout" },
  restored: { type: "restored" },
  woken: { type: "woken" },
  reachable: { type: "reachable" },
  cancelled: { type: "abortAsked", reason: "cancelled" },
  runHere: { type: "resolved", decision: "run-here" },
  discard: { type: "resolved", decision: "discard" },
} as const satisfies Record<string, MoveInput>;

/** All that can be fed to either end at a moment at which nothing is due. */
export const allInputs: Readonly<Record<string, MoveInput>> = {
  "a late begin": plain("begin"),
  "a grant": plain("grant"),
  ready: ready(),
  "the vote": plain("held"),
  "the commit": plain("commit"),
  "an abort": abort(),
  "the close": plain("close"),
  "a question": query("source"),
  "the target says busy": targetSays("busy"),
  "the target says held": targetSays("held"),
  "the target says running": targetSays("running"),
  "the target says ran": targetSays("ran"),
  "the target says refused": targetSays("refused", "no room"),
  "the target says unknown": targetSays("unknown"),
  "the source says open": sourceSays("open"),
  "the source says committed": sourceSays("committed"),
  "the source says aborted": sourceSays("aborted"),
  "the source says closed": sourceSays("closed"),
  "the source says unknown": sourceSays("unknown"),
  "prepareIncoming ends": succeeded("prepareIncoming"),
  "prepareIncoming fails": failed("prepareIncoming"),
  "listenChannel ends": succeeded("listenChannel", { port: 4001, address: null }),
  "listenChannel fails": failed("listenChannel"),
  "awaitIncoming ends": succeeded("awaitIncoming"),
  "awaitIncoming fails": failed("awaitIncoming"),
  "connectChannel ends": succeeded("connectChannel"),
  "connectChannel fails": failed("connectChannel"),
  "migrateOut ends": sentOff(),
  "migrateOut hands over": sentOff("handed"),
  "migrateOut fails": failed("migrateOut"),
  "cancelMigration ends": succeeded("cancelMigration"),
  "closeChannel ends": succeeded("closeChannel"),
  "runIncoming ends": succeeded("runIncoming"),
  "runIncoming finds no copy": failed("runIncoming", "VM_ABSENT"),
  "runIncoming fails": failed("runIncoming", "IMAGE_LOCKED"),
  "takeBack ends": succeeded("takeBack"),
  "takeBack finds no copy": failed("takeBack", "VM_ABSENT"),
  "takeBack fails": failed("takeBack", "IMAGE_LOCKED"),
  "discard ends": succeeded("discard"),
  "discard fails": failed("discard"),
  "start ends": succeeded("start"),
  "start fails": failed("start"),
  "the verdict is open": verdict("open"),
  "the verdict is committed": verdict("committed"),
  "the verdict is aborted": verdict("aborted"),
  "the verdict is gone": verdict("gone"),
  "the verdict is in-doubt": verdict("in-doubt"),
  "the verdict cannot be read": failed("moveVerdict"),
  "no copy is listed": listed(null),
  "a copy is listed": listed("paused"),
  "a timer rings too early": happens.timeout,
  "the agent wakes late": happens.woken,
  "the other end is reachable": happens.reachable,
  "the operator cancels": happens.cancelled,
  "the operator says run here": happens.runHere,
  "the operator says discard": happens.discard,
};
