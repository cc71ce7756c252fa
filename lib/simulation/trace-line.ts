import { assertNever } from "../base/assert.ts";
import type { Effect } from "../core/effects.ts";
import type { Event } from "../core/events.ts";
import type { HostOp } from "../model/host-op.ts";
import type { Verb } from "../model/verb.ts";
import type { Message } from "../wire/messages.ts";
import type { SimFact } from "./sim-fact.ts";

/** Messages that say nothing about a move; a trace leaves them out. */
const gossip = ["digest", "delta", "probe", "ack", "indirectProbe"];

/** One line of a run's trace, for a person; undefined for what is not worth one. */
export function traceLine(fact: SimFact, nowMs: number): string | undefined {
  const text = textOf(fact);
  if (text === undefined) return undefined;
  const host = "host" in fact ? fact.host : "";
  return `${nowMs.toFixed(1).padStart(10)} ${host.padEnd(12)} ${text}`;
}

function textOf(fact: SimFact): string | undefined {
  switch (fact.type) {
    case "stepped": {
      const orders = fact.effects.map(effectText).filter((text) => text !== undefined);
      if (orders.length === 0 && fact.event.type !== "verbAsked") return undefined;
      return `${eventText(fact.event)} => ${orders.join("; ") || "nothing yet"}`;
    }
    case "persisted": {
      const lines = fact.entries.filter(({ key }) => !key.startsWith("peer/"));
      if (lines.length === 0) return undefined;
      return `durable: ${lines.map(({ key, value }) => `${key}${phaseIn(value)}`).join(", ")}`;
    }
    case "copyChanged": {
      const { vm, before, after, cause } = fact.change;
      return `${vm}: ${before?.state ?? "no copy"} -> ${after?.state ?? "no copy"} by ${cause}`;
    }
    case "faultStruck":
      return `*** ${fact.kind}`;
    case "hostCrashed":
      return `hostCrashed${fact.diskLost ? ", its disk is lost" : ""}`;
    case "sent":
    case "troubleChanged":
      return undefined;
    case "agentStarted":
    case "agentKilled":
    case "agentPaused":
    case "agentContinued":
    case "linksChanged":
      return fact.type;
    default:
      return assertNever(fact);
  }
}

function phaseIn(value: string | null): string {
  if (value === null) return " removed";
  const { phase } = JSON.parse(value) as { phase?: string };
  return phase === undefined ? "" : ` ${phase}`;
}

function eventText(event: Event): string {
  if (event.type === "messageReceived") return `${messageText(event.message)} from ${event.from}`;
  if (event.type === "verbAsked") return `asked to ${verbText(event.verb)}`;
  if (event.type !== "opEnded") return event.type;
  return event.result.ok ? "order done" : `order failed (${event.result.code})`;
}

function effectText(effect: Effect): string | undefined {
  if (effect.type === "run") return `run ${effect.op.op} ${objectOf(effect.op)}`;
  if (effect.type === "notice") return `"${effect.notice.message}"`;
  if (effect.type === "reply") return `reply ${effect.result.status} "${effect.result.message}"`;
  if (effect.type !== "send" || gossip.includes(effect.message.type)) return undefined;
  return `send ${messageText(effect.message)} to ${effect.to}`;
}

function messageText(message: Message): string {
  const answer = "answer" in message ? ` ${message.answer}` : "";
  const verb = message.type === "verbRequest" ? ` ${verbText(message.verb)}` : "";
  const about = "moveId" in message ? ` of ${message.moveId}` : "";
  return `${message.type}${answer}${verb}${about}`;
}

function verbText(verb: Verb): string {
  const about =
    "vm" in verb ? verb.vm : "host" in verb ? verb.host : "mode" in verb ? verb.mode : "";
  return `${verb.verb} ${about}`.trimEnd();
}

function objectOf(op: HostOp): string {
  if ("vm" in op) return op.vm;
  if ("spec" in op) return op.spec.name;
  return "moveId" in op ? op.moveId : "";
}
