import { describe, expect, it } from "vitest";
import { OUTBOX_MESSAGES_MAX, OUTBOX_WAIT_MS, Outbox } from "#agent/transport/outbox.ts";

const frame = (byte: number): Uint8Array => Uint8Array.of(byte);

describe("Outbox", () => {
  it("takes no more than its limit", () => {
    const outbox = new Outbox();
    for (let i = 0; i < OUTBOX_MESSAGES_MAX; i++) expect(outbox.add(frame(i), 0)).toBe(true);
    expect(outbox.add(frame(0), 0)).toBe(false);
    expect(outbox.clear()).toBe(OUTBOX_MESSAGES_MAX);
  });

  it("forgets what waited too long, and only that", () => {
    const outbox = new Outbox();
    outbox.add(frame(1), 0);
    outbox.add(frame(2), 10);
    expect(outbox.expire(OUTBOX_WAIT_MS - 1)).toBe(0);
    expect(outbox.expire(OUTBOX_WAIT_MS)).toBe(1);
    const sent: number[] = [];
    outbox.flush(([byte = 0]) => sent.push(byte) > 0);
    expect(sent).toEqual([2]);
  });

  it("hands out in order until there is no more room", () => {
    const outbox = new Outbox();
    for (const byte of [1, 2, 3, 4]) outbox.add(frame(byte), 0);
    const sent: number[] = [];
    outbox.flush(([byte = 0]) => sent.push(byte) < 2);
    expect(sent).toEqual([1, 2]);
    outbox.flush(([byte = 0]) => sent.push(byte) > 0);
    expect(sent).toEqual([1, 2, 3, 4]);
    expect(outbox.isEmpty).toBe(true);
  });
});
