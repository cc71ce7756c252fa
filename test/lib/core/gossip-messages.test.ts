import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { deltaOf, GossipMessages } from "#lib/core/gossip-messages.ts";
import { viewDefaults } from "#lib/view/params.ts";
import { View } from "#lib/view/view.ts";
import { documentOf, summaryRecord } from "../../support/view-records.ts";

const prng = new Prng(1);
const mode = documentOf("mode", 3);

function messagesOf(keyed: boolean, fullHostsMax = viewDefaults.fullHostsMax) {
  const view = new View({ self: "QmSelf", params: { ...viewDefaults, fullHostsMax } });
  view.publishOwn(summaryRecord("QmSelf", 1), 0);
  view.mergeDocument(mode);
  const messages = new GossipMessages({ keyed, view, membership: { verdicts: () => [] } });
  return { view, messages };
}

describe("GossipMessages", () => {
  it("gives what a digest lacks, and nothing to one that knows as much", () => {
    const { messages } = messagesOf(true);
    const same = messages.digest(prng);
    expect(messages.answer(same, 0)).toBeUndefined();
    expect(messages.answer({ ...same, entries: [] }, 0)).toEqual(
      deltaOf({ records: [summaryRecord("QmSelf", 1)] }),
    );
    const newer = messages.answer(
      { ...same, entries: [...same.entries, ["QmA", 0, 4, -1, -1]] },
      0,
    );
    expect(newer).toEqual(deltaOf({ wants: [["QmA", -1, -1, -1, -1]] }));
  });

  it("names, gives and asks for documents with a key alone", () => {
    const bare = { type: "digest", entries: [["QmSelf", 0, 1, -1, -1]], verdicts: [] } as const;
    const digest = { ...bare, documents: [] };
    const asks = deltaOf({ wantsDocuments: ["mode"] });
    const keyed = messagesOf(true).messages;
    expect(keyed.digest(prng).documents).toHaveLength(1);
    expect(keyed.answer(digest, 0)).toEqual(deltaOf({ documents: [mode] }));
    expect(keyed.wanted(asks, 0)).toEqual(deltaOf({ documents: [mode] }));
    const open = messagesOf(false).messages;
    expect(open.digest(prng).documents).toEqual([]);
    expect(open.answer(digest, 0)).toBeUndefined();
    expect(open.wanted(asks, 0)).toBeUndefined();
  });

  it("gives the records that a delta asks for", () => {
    const { messages } = messagesOf(true);
    const wants = [["QmSelf", -1, -1, -1, -1]] as const;
    expect(messages.wanted(deltaOf({ wants }), 0)?.records).toEqual([summaryRecord("QmSelf", 1)]);
    expect(messages.wanted(deltaOf({}), 0)).toBeUndefined();
  });

  it("marks digests as partial in a large view, and tells how old records are", () => {
    const { view, messages } = messagesOf(true, 1);
    view.merge(summaryRecord("QmA", 2), 1_000);
    expect(messages.digest(prng).partial).toBe(true);
    const wants = [["QmA", -1, -1, -1, -1]] as const;
    expect(messages.wanted(deltaOf({ wants }), 4_000)?.ages).toEqual([3_000]);
    expect(messagesOf(true).messages.digest(prng)).not.toHaveProperty("partial");
  });
});
