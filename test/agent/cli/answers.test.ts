import { describe, expect, it } from "vitest";
import { renderMember } from "#agent/api/render-member.ts";
import { renderCandidate, renderHistory, renderMove } from "#agent/api/render-move.ts";
import { renderStatus } from "#agent/api/render-status.ts";
import { renderVm } from "#agent/api/render-vm.ts";
import type {
  CandidateAnswer,
  MemberAnswer,
  MoveAnswer,
  OutcomeAnswer,
  StatusAnswer,
  VmAnswer,
} from "#agent/cli/answers.ts";
import { snapshotFixture } from "../../support/snapshot-fixture.ts";

describe("the answers", () => {
  it("are read by the command as the sockets write them", () => {
    // The compiler does the work: the two sides share no code on purpose.
    const snapshot = snapshotFixture();
    const status: StatusAnswer = renderStatus(snapshot);
    const members: readonly MemberAnswer[] = snapshot.members.map(renderMember);
    const vms: readonly VmAnswer[] = snapshot.vms.map((vm) => renderVm(snapshot, vm));
    const moves: readonly MoveAnswer[] = snapshot.moves.map((move) => renderMove(snapshot, move));
    const history: readonly OutcomeAnswer[] = renderHistory(snapshot);
    const considered: readonly CandidateAnswer[] = snapshot.considered.map((weighed) =>
      renderCandidate(snapshot, weighed),
    );
    for (const list of [status.members, members, vms, moves, history, considered]) {
      expect(list.length).toBeGreaterThan(0);
    }
  });
});
