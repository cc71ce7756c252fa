import type { HostId } from "../model/ids.ts";
import type { Message } from "../wire/messages.ts";
import type { Parts } from "./build-parts.ts";
import type { Event } from "./events.ts";

type OrderMessage = Exclude<
  Message,
  { type: "probe" | "ack" | "indirectProbe" | "digest" | "delta" }
>;

/** Hands a message to the part of the core that it is for. */
export function routeMessage(
  { from, via, message }: Extract<Event, { type: "messageReceived" }>,
  parts: Parts,
  { keyed, nowMs }: { readonly keyed: boolean; readonly nowMs: number },
): void {
  switch (message.type) {
    case "probe":
    case "ack":
    case "indirectProbe":
      parts.cluster.onProbe(from, via, message, nowMs);
      return;
    case "digest":
      parts.cluster.onDigest(from, message, nowMs);
      return;
    case "delta":
      parts.cluster.onDelta(from, message, nowMs);
      return;
    default:
      // News reaches everybody: only records and verdicts may come that way. In the open nobody
      // may ask anything of us.
      if (via === "stream" && keyed) routeOrder(from, message, parts, nowMs);
  }
}

function routeOrder(from: HostId, message: OrderMessage, parts: Parts, nowMs: number): void {
  switch (message.type) {
    case "propose":
      parts.admission.onPropose(from, message, nowMs);
      return;
    case "grant":
      parts.balancer.onGrant(from, message, nowMs);
      return;
    case "refuse":
      parts.balancer.onRefuse(from, message, nowMs);
      return;
    case "verbRequest":
      parts.desk.askedByPeer(from, message.requestId, message.verb, nowMs);
      return;
    case "verbReply":
      parts.desk.replied(from, message.requestId, message.result);
      return;
    case "scale":
      parts.services?.onScale(from, message, nowMs);
      return;
    case "scaleAnswer":
      parts.services?.onScaleAnswer(from, message, nowMs);
      return;
    case "shift":
      parts.services?.onShift(from, message, nowMs);
      return;
    case "shiftAnswer":
      parts.shifts.onAnswer(from, message, nowMs);
      return;
    case "memberReport":
      parts.services?.onReport(from, message, nowMs);
      return;
    case "exchange":
    case "exchangeAnswer":
    case "passOn":
    case "passedOn":
    case "exchangeOver":
      parts.exchange.onMessage(from, message, nowMs);
      return;
    case "abort":
      parts.admission.withdrawn(message.moveId);
      parts.mover.onMessage(from, message, nowMs);
      return;
    default:
      parts.mover.onMessage(from, message, nowMs);
  }
}
