import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ProbePackets } from "#agent/transport/probe-packets.ts";
import { wireLimits } from "#lib/wire/limits.ts";
import type { DatagramMessage, Message } from "#lib/wire/messages.ts";
import { keysOf } from "../../support/transport-fixture.ts";

const [alpha, beta, gamma] = [1, 2, 3].map((number) => keysOf(number).host) as [
  string,
  string,
  string,
];
const key = new Uint8Array(32).fill(9);
const probe: DatagramMessage = { type: "probe", nonce: 11, incarnation: 2, suspected: false };

function packetsOf(self: string, options: { key?: Uint8Array; salt?: number } = {}): ProbePackets {
  return new ProbePackets({ self, key, salt: 1, ...options });
}

describe("ProbePackets", () => {
  it.each<DatagramMessage>([
    probe,
    { type: "ack", nonce: 2 ** 40, incarnation: 0 },
    { type: "indirectProbe", nonce: 1, target: gamma },
  ])("opens what was sealed for it: $type", (message) => {
    const packet = packetsOf(alpha).seal(beta, message);
    expect(packetsOf(beta).open(packet)).toEqual({ from: alpha, message });
    expect(packet.length).toBeLessThanOrEqual(wireLimits.datagramBytesMax);
  });

  it("refuses a packet for another host, of another key, or with any byte turned", () => {
    const packet = packetsOf(alpha).seal(beta, probe);
    expect(packetsOf(gamma).open(packet)).toBe("hmac");
    expect(packetsOf(beta, { key: new Uint8Array(32) }).open(packet)).toBe("hmac");
    for (let at = 0; at < packet.length; at++) {
      const broken = packet.slice();
      broken[at] = (broken[at] ?? 0) ^ 0x40;
      expect(packetsOf(beta).open(broken)).toBe("hmac");
    }
  });

  it("refuses every truncation, and what is over the limit", () => {
    const packet = packetsOf(alpha).seal(beta, probe);
    for (let length = 0; length < packet.length; length++) {
      const problem = packetsOf(beta).open(packet.subarray(0, length));
      expect(problem).toBe(length <= 32 ? "truncated" : "hmac");
    }
    expect(packetsOf(beta).open(randomBytes(wireLimits.datagramBytesMax + 1))).toBe("oversized");
  });

  it("refuses a packet that it has opened before, but not the same message sent again", () => {
    const sender = packetsOf(alpha);
    const receiver = packetsOf(beta);
    const packet = sender.seal(beta, probe);
    expect(receiver.open(packet)).toMatchObject({ from: alpha });
    expect(receiver.open(packet)).toBe("replay");
    expect(receiver.open(sender.seal(beta, probe))).toMatchObject({ from: alpha });
  });

  it("still knows a packet after thousands of others", () => {
    const sender = packetsOf(alpha);
    const receiver = packetsOf(beta);
    const packet = sender.seal(beta, probe);
    receiver.open(packet);
    for (let i = 0; i < 4_000; i++) receiver.open(sender.seal(beta, probe));
    expect(receiver.open(packet)).toBe("replay");
  });

  it("refuses other messages than probes, and packets in its own name", () => {
    const foreign = { type: "commit", moveId: "web.1.0011223344556677" } as Message;
    const commit = packetsOf(alpha).seal(beta, foreign as DatagramMessage);
    expect(packetsOf(beta).open(commit)).toBe("malformed");
    expect(packetsOf(beta).open(packetsOf(beta).seal(beta, probe))).toBe("malformed");
  });
});
