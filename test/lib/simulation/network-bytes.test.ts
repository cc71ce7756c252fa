/** The estimate is only worth printing while it agrees with the real codec. */
import { describe, expect, it } from "vitest";
import { pack } from "#agent/transport/msgpack.ts";
import type { HostRecord } from "#lib/model/record.ts";
import { serviceDocument } from "#lib/services/service-document.ts";
import { messageBytes } from "#lib/simulation/network-bytes.ts";
import type { DigestEntry, Message } from "#lib/wire/messages.ts";
import { serviceSpecOf } from "../../support/declared-service.ts";
import { inventoryRecord, summaryRecord } from "../../support/view-records.ts";

const host = "12D3KooWA1b2c3d4e5f6g7h8j9kAbCdEfGhJkMnPqRsTuVwXyZ12";
const entry: DigestEntry = [host, 3, 1234, 3, 1200];
const nothing = { records: [], documents: [], verdicts: [], wants: [], wantsDocuments: [] };
const documents = Array.from({ length: 100 }, (_, index) =>
  serviceDocument(`web-${index}`, serviceSpecOf(`web-${index}`), { version: 3, author: host }),
);
const names = Array.from({ length: 10 }, (_, index) => [`web-${index}`, "running" as const]);
const inventory = inventoryRecord("a", 1, Object.fromEntries(names));
const load = {
  cpuCores: 0.71,
  residentBytes: 2 ** 32,
  dirtyBytesPerSecond: 12_345.6,
  networkBytesPerSecond: 1_234.5,
};
const vms = inventory.body.vms.map((vm) => ({ ...vm, load }));

/** Bytes of the message with its records in signed envelopes, as the real transport sends them. */
function packedBytes(message: Message): number {
  if (message.type !== "delta") return pack(message).length;
  const records = message.records.map((record: HostRecord) => [
    host,
    pack([record.kind, record.incarnation, record.seq, record.body]),
    new Uint8Array(64),
  ]);
  return pack({ ...message, records }).length;
}

describe("messageBytes()", () => {
  it.each<{ name: string; message: Message }>([
    {
      name: "a digest",
      message: { type: "digest", entries: Array(100).fill(entry), documents: [], verdicts: [] },
    },
    {
      name: "a digest of documents",
      message: {
        type: "digest",
        entries: [],
        documents: documents.map(({ name, version, hash }) => ({ name, version, hash })),
        verdicts: [],
      },
    },
    { name: "documents", message: { type: "delta", ...nothing, documents } },
    { name: "wishes", message: { type: "delta", ...nothing, wants: Array(20).fill(entry) } },
    {
      name: "summaries",
      message: { type: "delta", ...nothing, records: Array(9).fill(summaryRecord("a", 1)) },
    },
    {
      name: "an inventory",
      message: {
        type: "delta",
        ...nothing,
        records: [{ ...inventory, body: { vms, outcomes: [] } }],
      },
    },
  ])("is within a quarter of what $name takes", ({ message }) => {
    const bytes = packedBytes(message);
    expect(messageBytes(message)).toBeGreaterThan(0.75 * bytes);
    expect(messageBytes(message)).toBeLessThan(1.25 * bytes);
  });
});
