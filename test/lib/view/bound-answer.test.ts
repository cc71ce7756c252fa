import { describe, expect, it } from "vitest";
import type { VmState } from "#lib/model/vm.ts";
import { boundAnswer } from "#lib/view/bound-answer.ts";
import { inventoryRecord, summaryRecord } from "../../support/view-records.ts";

function inventory(host: string, vms: number) {
  const names = Array.from({ length: vms }, (_, i): [string, VmState] => [
    `${host}-${i}`,
    "running",
  ]);
  return inventoryRecord(host, 1, Object.fromEntries(names));
}

const hostsOf = (answer: ReturnType<typeof boundAnswer>) => answer.map(({ host }) => host);

describe("boundAnswer()", () => {
  it("sends an inventory that is too large for any answer, alone of its kind", () => {
    const received = [inventory("big", 30), inventory("small", 2), summaryRecord("s", 1)];
    const answer = boundAnswer(
      received.map((record, i) => ({ record, receivedAtMs: 10 - i })),
      20,
    );
    expect(hostsOf(answer)).toEqual(["big", "s"]);
  });

  it("passes over one that does not fit any more", () => {
    const received = [inventory("a", 15), inventory("b", 15), inventory("c", 5)];
    const answer = boundAnswer(
      received.map((record) => ({ record, receivedAtMs: 0 })),
      20,
    );
    expect(hostsOf(answer)).toEqual(["a", "c"]);
  });

  it("sends the newest first, at most 64", () => {
    const received = Array.from({ length: 80 }, (_, i) => ({
      record: summaryRecord(`h${i}`, 1),
      receivedAtMs: i,
    }));
    const answer = boundAnswer(received, 20);
    expect(answer).toHaveLength(64);
    expect(answer[0]?.host).toBe("h79");
  });
});
