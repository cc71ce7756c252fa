import fc from "fast-check";
import { expect, test } from "vitest";
import { defaultElectionParams as params } from "#lib/election/params.ts";
import { type GatheredProposal, TargetElection } from "#lib/election/target-election.ts";
import { Ledger } from "#lib/ledger/ledger.ts";
import type { ActionReason } from "#lib/model/action.ts";

interface Proposal extends GatheredProposal {
  readonly score: number;
  readonly memoryBytes: number;
}

function proposal(source: string, score: number, changes: Partial<Proposal> = {}): Proposal {
  const vm = `vm-${source}`;
  return {
    moveId: `${vm}.2.0000000000000000`,
    vm,
    source,
    sourceName: source,
    reason: "imbalance",
    score,
    memoryBytes: 10,
    ...changes,
  };
}

function decide(election: TargetElection<Proposal>, slots = 1) {
  const { granted, refused } = election.decide({
    slots,
    judge: ({ score }) => ({ score, refusal: score < 0 ? "would be too full" : null }),
    grant: () => {},
  });
  return { granted: granted.map(({ source }) => source), refused };
}

test("TargetElection gathers for a moment after the first proposal", () => {
  const election = new TargetElection<Proposal>(params);
  expect(election.nextTimeoutMs).toBeUndefined();
  election.gather(proposal("a", 1), 1000);
  election.gather(proposal("b", 1), 1100);
  expect(election.nextTimeoutMs).toBe(1000 + params.gatherMs);
  decide(election);
  expect(election.nextTimeoutMs).toBeUndefined();
});

test("TargetElection decides at once when an operator's order comes, and on all that it has", () => {
  const election = new TargetElection<Proposal>(params);
  election.gather(proposal("a", 9), 1000);
  election.gather(proposal("b", 0, { reason: "operator" }), 1010);
  expect(election.nextTimeoutMs).toBe(1010);
  expect(decide(election).granted).toEqual(["b"]);
  election.gather(proposal("a", 9), 2000);
  expect(election.nextTimeoutMs).toBe(2000 + params.gatherMs);
});

test("TargetElection grants the best that fits and tells the others why not", () => {
  const election = new TargetElection<Proposal>(params);
  for (const [source, score] of [
    ["a", 0.1],
    ["b", 0.3],
    ["c", -1],
    ["d", 0.2],
  ] as const) {
    election.gather(proposal(source, score), 0);
  }
  const { granted, refused } = decide(election);
  expect(granted).toEqual(["b"]);
  const reasons = refused.map((one) => [one.proposal.source, one.reason]);
  const lost = "took vm-b from b instead, which wins more or is more urgent";
  expect(reasons).toEqual([
    ["c", "would be too full"],
    ["d", lost],
    ["a", lost],
  ]);
});

test("TargetElection refuses all when there is no slot", () => {
  const election = new TargetElection<Proposal>(params);
  election.gather(proposal("a", 1), 0);
  const { granted, refused } = decide(election, 0);
  expect(granted).toEqual([]);
  expect(refused[0]?.reason).toBe("is busy with other moves (no free slot)");
});

test("TargetElection puts the operator, a drain and a rule before the greatest gain", () => {
  const election = new TargetElection<Proposal>(params);
  const reasons: ActionReason[] = ["imbalance", "hot", "drain", "operator", "rule"];
  for (const reason of reasons) {
    election.gather(proposal(reason, reason === "imbalance" ? 9 : 0, { reason }), 0);
  }
  expect(decide(election, 5).granted).toEqual(["operator", "drain", "rule", "hot", "imbalance"]);
});

test("TargetElection breaks ties by the ids, whatever the order of arrival", () => {
  const all = ["a", "b", "c", "d", "e"].map((source) => proposal(source, 1));
  const winner = (list: readonly Proposal[]) => {
    const election = new TargetElection<Proposal>(params);
    for (const one of list) election.gather(one, 0);
    return decide(election).granted;
  };
  const first = winner(all);
  fc.assert(
    fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (list) => {
      expect(winner(list)).toEqual(first);
    }),
  );
});

test("TargetElection keeps one proposal a source, and no more than its limit", () => {
  const election = new TargetElection<Proposal>(params);
  for (let i = 0; i < params.gatheredMax; i++) {
    expect(election.gather(proposal(`node-${i}`, 1), 0)).toBe(true);
  }
  expect(election.gather(proposal("one-more", 1), 0)).toBe(false);
  expect(election.gather(proposal("node-0", 5), 0)).toBe(true);
  const { granted, refused } = decide(election);
  expect(granted).toEqual(["node-0"]);
  expect(refused).toHaveLength(params.gatheredMax - 1);
});

test("TargetElection.withdraw() forgets a proposal, and the decision with the last", () => {
  const election = new TargetElection<Proposal>(params);
  const one = proposal("a", 1);
  election.gather(one, 0);
  election.withdraw(one.moveId);
  expect(election.nextTimeoutMs).toBeUndefined();
  expect(decide(election)).toEqual({ granted: [], refused: [] });
});

test("what is granted together never over-commits the memory of the ledger", () => {
  const list = fc.array(fc.record({ score: fc.double({ noNaN: true }), memoryBytes: fc.nat(60) }), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(list, fc.integer({ min: 0, max: 5 }), fc.nat(100), (wishes, slotsIn, usedBytes) => {
      const ledger = new Ledger({ slotsIn, slotsOut: 1 });
      ledger.memoryIs({ capacityBytes: 100, usedBytes });
      const election = new TargetElection<Proposal>(params);
      wishes.forEach(({ score, memoryBytes }, i) => {
        election.gather(proposal(`node-${i}`, score, { memoryBytes }), 0);
      });
      const { granted, refused } = election.decide({
        slots: ledger.freeSlotsIn,
        judge: ({ score, memoryBytes }) => ({
          score,
          refusal: ledger.refusalIn({ vm: "", memoryBytes }),
        }),
        grant: ({ moveId, vm, memoryBytes }) =>
          ledger.reserveIn({
            moveId,
            vm,
            memoryBytes,
            cpuCores: 0,
            networkBytesPerSecond: 0,
            antiAffinityGroup: null,
            affinityGroup: null,
          }),
      });
      expect(granted.length + refused.length).toBe(wishes.length);
      expect(granted.length).toBeLessThanOrEqual(slotsIn);
      expect(ledger.reservedMemoryBytes + usedBytes).toBeLessThanOrEqual(100);
      for (const { reason } of refused) expect(reason).not.toBe("");
    }),
  );
});
