import type { Effect } from "../core/effects.ts";
import type { Event } from "../core/events.ts";
import type { SimFact } from "./sim-fact.ts";

/** Messages that say nothing about a move; a trace leaves them out. */
const gossip = ["digest", "delta", "probe", "ack", "indirectProbe"];

/** One line of a run's trace, for a person; undefined for what is not worth one. */
export function traceLine(fact: SimFact, nowMs: number): string | undefined {
  const text = textOf(fact);
  if (text === undefined) return undefined;
  const host = "host" in fact ? fact.host : "network";
  return `${nowMs.toFixed(1).padStart(10)} ${host} ${text}`;
}

function textOf(fact: SimFact): string | undefined {
  switch (fact.type) {
    case "stepped": {
      const orders = fact.effects.map(effectText).filter((text) => text !== undefined);
      return orders.length === 0 ? undefined : `${eventText(fact.event)} => ${orders.join("; ")}`;
    }
    case "persisted":
      return `durable: ${fact.entries.map(({ key, value }) => `${key}${phaseIn(value)}`).join(", ")}`;
    case "copyChanged": {
      const { vm, before, after, cause } = fact.change;
      return `${vm}: ${before?.state ?? "no copy"} -> ${after?.state ?? "no copy"} by ${cause}`;
    }
    case "sent":
      return undefined;
    default:
      return fact.type;
  }
}

function phaseIn(value: string | null): string {
  if (value === null) return " removed";
  const { phase } = JSON.parse(value) as { phase?: string };
  return phase === undefined ? "" : ` ${phase}`;
}

function eventText(event: Event): string {
  if (event.type === "messageReceived") return `${event.message.type} from ${event.from}`;
  if (event.type !== "opEnded") return event.type;
  return event.result.ok ? "order done" : `order failed (${event.result.code})`;
}

function effectText(effect: Effect): string | undefined {
  if (effect.type === "run") return `run ${effect.op.op}`;
  if (effect.type === "notice") return `"${effect.notice.message}"`;
  if (effect.type !== "send" || gossip.includes(effect.message.type)) return undefined;
  const answer = "answer" in effect.message ? ` ${effect.message.answer}` : "";
  return `send ${effect.message.type}${answer} to ${effect.to}`;
}
