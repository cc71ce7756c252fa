import { describe, expect, it } from "vitest";
import { pack, unpack } from "#agent/transport/msgpack.ts";
import { type Envelope, SignedRecords } from "#agent/transport/signed-records.ts";
import { inventoryRecord, keysOf, summaryRecord } from "../../support/transport-fixture.ts";

const own = keysOf(1);
const other = keysOf(2);

function recordsOf(keys = own, hostsMax = 100, refuseMoreHosts = false): SignedRecords {
  return new SignedRecords({ self: keys.host, keys, hostsMax, refuseMoreHosts });
}

/** An envelope as `keys` would send it. */
function sealedBy(keys: typeof own, seq: number, name = "host"): Envelope {
  const envelope = recordsOf(keys).seal(summaryRecord(keys.host, seq, name));
  if (!envelope) throw new Error("not sealed");
  return envelope;
}

function travelled(envelope: Envelope): unknown {
  return unpack(pack(envelope));
}

describe("SignedRecords.seal()", () => {
  it("signs an own record once", () => {
    const records = recordsOf();
    const record = summaryRecord(own.host, 1);
    expect(records.seal(record)).toBe(records.seal(record));
  });

  it("gives nothing for another's record that came without signature", () => {
    expect(recordsOf().seal(summaryRecord(other.host, 1))).toBeUndefined();
  });

  it("passes another's record on byte for byte", () => {
    const envelope = sealedBy(other, 1);
    const records = recordsOf();
    const record = records.open(travelled(envelope));
    if (typeof record === "string") throw new Error(record);
    expect(pack(records.seal(record))).toEqual(pack(envelope));
  });
});

describe("SignedRecords.open()", () => {
  it("gives the record that was sealed", () => {
    const record = recordsOf().open(travelled(sealedBy(other, 3, "alpha")));
    expect(record).toEqual(summaryRecord(other.host, 3, "alpha"));
  });

  it("gives the same object for the same bytes, and verifies once", () => {
    const records = recordsOf();
    const first = records.open(travelled(sealedBy(other, 1)));
    expect(records.open(travelled(sealedBy(other, 1)))).toBe(first);
    expect(records.verifiedCount).toBe(1);
  });

  it("does not verify what is older than what it knows", () => {
    const records = recordsOf();
    records.open(travelled(sealedBy(other, 5)));
    expect(records.open(travelled(sealedBy(other, 4)))).toBe("stale");
    expect(records.verifiedCount).toBe(1);
  });

  it("shows two different records of one version, as a clone makes them", () => {
    const records = recordsOf();
    records.open(travelled(sealedBy(other, 1, "alpha")));
    expect(records.open(travelled(sealedBy(other, 1, "beta")))).toEqual(
      summaryRecord(other.host, 1, "beta"),
    );
  });

  it("refuses a record signed by anybody but its host", () => {
    const [, bytes, signature] = sealedBy(other, 1);
    expect(recordsOf().open([own.host, bytes, signature])).toBe("signature");
  });

  it("refuses a record with one bit turned", () => {
    const [host, bytes, signature] = sealedBy(other, 1);
    for (const at of [0, 7, 63]) {
      const broken = signature.slice();
      broken[at] = (broken[at] ?? 0) ^ 1;
      expect(recordsOf().open([host, bytes, broken])).toBe("signature");
    }
    const changed = sealedBy(other, 2)[1];
    expect(recordsOf().open([host, changed, signature])).toBe("signature");
  });

  it("refuses what is no envelope", () => {
    const [host, bytes, signature] = sealedBy(other, 1);
    const wrong: unknown[] = [
      null,
      7,
      "x",
      {},
      [],
      [host, bytes],
      [host, bytes, signature, 1],
      [host, bytes, signature.subarray(1)],
      ["no host id", bytes, signature],
      [host, "text", signature],
      [host, Uint8Array.of(0xc1), signature],
      [host, pack(["summary", 1, 1]), signature],
      [host, pack(["summary", -1, 1, {}]), signature],
    ];
    for (const value of wrong) expect(recordsOf().open(value)).toBe("malformed");
    expect(recordsOf().open([host, new Uint8Array(200 * 1024), signature])).toBe("oversized");
  });

  it("keeps the hosts that it remembers bounded, by forgetting or by refusing", () => {
    const forgetting = recordsOf(own, 2, false);
    const refusing = recordsOf(own, 2, true);
    for (const number of [2, 3, 4]) {
      const opened = forgetting.open(travelled(sealedBy(keysOf(number), 1)));
      expect(typeof opened).toBe("object");
      const refused = refusing.open(travelled(sealedBy(keysOf(number), 1)));
      expect(refused === "too-many-hosts").toBe(number === 4);
    }
  });

  it("keeps summary and inventory of a host apart", () => {
    const records = recordsOf();
    const theirs = recordsOf(other);
    for (const record of [inventoryRecord(other.host, 9, 2), summaryRecord(other.host, 1)]) {
      const envelope = theirs.seal(record);
      expect(envelope && records.open(travelled(envelope))).toEqual(record);
    }
  });
});
