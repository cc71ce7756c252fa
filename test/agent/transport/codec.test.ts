import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Codec } from "#agent/transport/codec.ts";
import { pack } from "#agent/transport/msgpack.ts";
import { SignedRecords } from "#agent/transport/signed-records.ts";
import { deltaOf } from "#lib/core/gossip-messages.ts";
import { wireLimits } from "#lib/wire/limits.ts";
import { Malformed } from "#lib/wire/malformed.ts";
import type { Message } from "#lib/wire/messages.ts";
import { hostSummary } from "../../support/host-summary.ts";
import { inventoryRecord, keysOf, summaryRecord } from "../../support/transport-fixture.ts";

const own = keysOf(1);
const other = keysOf(2);

function codecOf(keys = own): Codec {
  const options = { self: keys.host, keys, hostsMax: 100, refuseMoreHosts: false };
  return new Codec(new SignedRecords(options));
}

function received(codec: Codec, packets: readonly Uint8Array[]): Message[] {
  return packets.map((packet) => {
    const decoded = codec.decode(packet);
    if (decoded instanceof Malformed) throw new Error(decoded.problem);
    return decoded.message;
  });
}

const moveId = "web.2.00112233445566aa";
const messages: readonly Message[] = [
  { type: "digest", entries: [[own.host, 1, 2, 1, -1]], documents: [], verdicts: [] },
  { type: "ack", nonce: 7, incarnation: 2 },
  { type: "refuse", moveId, reason: "no room", summary: hostSummary() },
  { type: "targetAnswer", moveId, answer: "refused", detail: "" },
  deltaOf({
    records: [summaryRecord(own.host, 4), inventoryRecord(own.host, 2, 3)],
    documents: [{ name: "mode", version: 1, hash: "aa", author: own.host, value: '"act"' }],
    verdicts: [{ host: other.host, incarnation: 1, state: "suspect", by: own.host }],
    wants: [[other.host, 0, 0, 0, 0]],
    wantsDocuments: ["mode"],
  }),
  deltaOf({ records: [summaryRecord(own.host, 5)], ages: [70], hops: 2 }),
];

describe("Codec", () => {
  it.each(messages)("decodes what it encoded: $type", (message) => {
    const { packets, leftOut } = codecOf().encode(message, wireLimits.frameBytesMax);
    expect(received(codecOf(other), packets)).toEqual([message]);
    expect(leftOut).toBe(0);
  });

  it("spreads a delta that is too large over packets within the limit, and loses nothing", () => {
    const keys = Array.from({ length: 20 }, (_, i) => keysOf(10 + i));
    const records = keys.map((key) => inventoryRecord(key.host, 1, 100));
    const relay = codecOf();
    for (const [i, key] of keys.entries()) {
      const { packets } = codecOf(key).encode(
        deltaOf({ records: records.slice(i, i + 1) }),
        wireLimits.frameBytesMax,
      );
      const [message] = received(relay, packets);
      if (message?.type === "delta") records[i] = message.records[0] as (typeof records)[0];
    }
    const delta = deltaOf({ records, wantsDocuments: ["mode"] });
    const { packets, leftOut } = relay.encode(delta, 64 * 1024);
    const deltas = received(codecOf(other), packets).filter((message) => message.type === "delta");
    expect(packets.length).toBeGreaterThan(1);
    for (const packet of packets) expect(packet.length).toBeLessThanOrEqual(64 * 1024);
    expect(deltas.flatMap((message) => message.records)).toEqual(records);
    expect(deltas.flatMap((message) => message.wantsDocuments)).toEqual(["mode"]);
    expect(leftOut).toBe(0);
  });

  it("takes the ages of records along, each with its record", () => {
    const relay = codecOf();
    const keys = Array.from({ length: 4 }, (_, i) => keysOf(40 + i));
    const records = keys.flatMap((key) => {
      const sealed = codecOf(key).encode(deltaOf({ records: [summaryRecord(key.host, 1)] }), 65536);
      return received(relay, sealed.packets).flatMap((m) => (m.type === "delta" ? m.records : []));
    });
    const stranger = summaryRecord(keysOf(50).host, 1);
    const delta = {
      ...deltaOf({ records: [stranger, ...records] }),
      ages: [9, 100, 200, 300, 400],
    };
    const { packets } = relay.encode(delta, 4096);
    expect(packets.length).toBeGreaterThan(1);
    const heard = received(codecOf(other), packets).filter((message) => message.type === "delta");
    expect(heard.flatMap((message) => message.records)).toEqual(records);
    expect(heard.flatMap((message) => message.ages ?? [])).toEqual([100, 200, 300, 400]);
  });

  it("passes over ages that are not one for each record, and keeps them with those that count", () => {
    const envelope = new SignedRecords({
      self: own.host,
      keys: own,
      hostsMax: 9,
      refuseMoreHosts: false,
    }).seal(summaryRecord(own.host, 1));
    const agesIn = (records: unknown[], ages: unknown) => {
      const decoded = codecOf(other).decode(pack({ ...deltaOf(), records, ages }));
      if (decoded instanceof Malformed) return "malformed";
      return decoded.message.type === "delta" ? decoded.message.ages : undefined;
    };
    expect(agesIn([envelope], [5])).toEqual([5]);
    expect(agesIn([envelope], [5, 6])).toBeUndefined();
    expect(agesIn(["no envelope", envelope], [5, 6])).toEqual([6]);
    expect(agesIn([envelope], [-1])).toBe("malformed");
  });

  it("leaves out and counts what is too large by itself or has no signature", () => {
    const records = [inventoryRecord(own.host, 1, 200), summaryRecord(other.host, 1)];
    const { packets, leftOut } = codecOf().encode(deltaOf({ records }), wireLimits.newsBytesMax);
    expect(received(codecOf(other), packets)).toEqual([deltaOf()]);
    expect(leftOut).toBe(2);
  });

  it("keeps the good records of a delta and names what was wrong with the others", () => {
    const records = new SignedRecords({
      self: other.host,
      keys: other,
      hostsMax: 9,
      refuseMoreHosts: false,
    });
    const good = summaryRecord(other.host, 1);
    const [, bytes, signature] = records.seal(good) ?? [];
    const mixed = [[own.host, bytes, signature], [other.host, bytes, signature], "nothing"];
    const decoded = codecOf().decode(pack({ ...deltaOf(), records: mixed }));
    expect(decoded).toEqual({
      message: deltaOf({ records: [good] }),
      problems: ["signature", "malformed"],
    });
  });

  it("refuses plain records, too many of them, and records in another message", () => {
    const plain = deltaOf({ records: [summaryRecord(own.host, 1)] });
    expect(codecOf().decode(pack(plain))).toMatchObject({ problems: ["malformed"] });
    const many = { ...deltaOf(), records: new Array(wireLimits.recordsMax + 1).fill(0) };
    expect(codecOf().decode(pack(many))).toBeInstanceOf(Malformed);
  });

  it("throws at no bytes whatever", () => {
    const codec = codecOf();
    const [sample = new Uint8Array(0)] = codec.encode(
      messages.at(-1) ?? deltaOf(),
      wireLimits.frameBytesMax,
    ).packets;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), fc.nat(255), (noise, at, byte) => {
        codec.decode(noise);
        codec.decode(sample.subarray(0, at % sample.length));
        const turned = sample.slice();
        turned[at % turned.length] = byte;
        codec.decode(turned);
      }),
    );
  });

  it("survives nesting that would end a recursive reader", () => {
    const deep = new Uint8Array(wireLimits.frameBytesMax).fill(0x91);
    expect(codecOf().decode(deep)).toBeInstanceOf(Malformed);
  });
});
