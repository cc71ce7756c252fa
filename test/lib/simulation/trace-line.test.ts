import { describe, expect, it } from "vitest";
import type { Effect } from "#lib/core/effects.ts";
import type { Event } from "#lib/core/events.ts";
import { traceLine } from "#lib/simulation/trace-line.ts";

const moveId = "web.2.0123456789abcdef";

function stepped(event: Event, ...effects: Effect[]): string | undefined {
  return traceLine({ type: "stepped", host: "SimHost11111", event, effects }, 1_234.56);
}

describe("traceLine", () => {
  it("tells who did what upon what", () => {
    const message = { type: "commit", moveId } as const;
    const event = { type: "messageReceived", from: "b", via: "stream", message } as const;
    const op = { op: "runIncoming", moveId, vm: "web" } as const;
    expect(stepped(event, { type: "run", opId: 1, op })).toBe(
      `    1234.6 SimHost11111 commit of ${moveId} from b => run runIncoming web`,
    );
  });

  it("tells every verb, also one that comes to nothing, and its reply", () => {
    const asked: Event = { type: "verbAsked", requestId: "1", verb: { verb: "cancel", vm: "web" } };
    expect(stepped(asked)).toMatch(/asked to cancel web => nothing yet$/);
    const result = { status: 409, message: "no", data: null, moveId: null };
    expect(stepped(asked, { type: "reply", requestId: "1", result })).toMatch(/reply 409 "no"$/);
  });

  it("tells faults, copies and what is durable", () => {
    expect(traceLine({ type: "faultStruck", kind: "partition" }, 0)).toMatch(/\*\*\* partition$/);
    const lost = { type: "hostCrashed", host: "a", diskLost: true } as const;
    expect(traceLine(lost, 0)).toMatch(/hostCrashed, its disk is lost$/);
    const line = { key: `move/${moveId}`, value: '{"phase":"held"}' };
    const entries = [line, { key: "vm/web", value: null }, { key: "peer/b", value: "{}" }];
    expect(traceLine({ type: "persisted", host: "a", entries }, 0)).toMatch(
      new RegExp(`durable: move/${moveId} held, vm/web removed$`),
    );
  });

  it("leaves out gossip and what led to nothing", () => {
    const ack = { type: "ack", nonce: 1, incarnation: 1 } as const;
    expect(stepped({ type: "timeout" })).toBeUndefined();
    expect(stepped({ type: "timeout" }, { type: "datagram", to: "b", message: ack })).toBe(
      undefined,
    );
    expect(traceLine({ type: "sent", host: "a", message: ack }, 0)).toBeUndefined();
  });
});
