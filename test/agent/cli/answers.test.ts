import { describe, expect, it } from "vitest";
import { renderMember } from "#agent/api/render-member.ts";
import { renderCandidate, renderHistory, renderMove } from "#agent/api/render-move.ts";
import { renderOneService, renderService } from "#agent/api/render-service.ts";
import { renderStatus } from "#agent/api/render-status.ts";
import { renderVm } from "#agent/api/render-vm.ts";
import type {
  CandidateAnswer,
  MemberAnswer,
  MoveAnswer,
  OneServiceAnswer,
  OutcomeAnswer,
  ServiceAnswer,
  StatusAnswer,
  VmAnswer,
} from "#agent/cli/answers.ts";
import { declaredView } from "../../support/declared-service.ts";
import { snapshotFixture } from "../../support/snapshot-fixture.ts";

describe("the answers", () => {
  it("are read by the command as the sockets write them", () => {
    // The compiler does the work: the two sides share no code on purpose.
    const snapshot = snapshotFixture({ services: [declaredView("web")] });
    const status: StatusAnswer = renderStatus(snapshot);
    const members: readonly MemberAnswer[] = snapshot.members.map(renderMember);
    const vms: readonly VmAnswer[] = snapshot.vms.map((vm) => renderVm(snapshot, vm));
    const moves: readonly MoveAnswer[] = snapshot.moves.map((move) => renderMove(snapshot, move));
    const history: readonly OutcomeAnswer[] = renderHistory(snapshot);
    const considered: readonly CandidateAnswer[] = snapshot.considered.map((weighed) =>
      renderCandidate(snapshot, weighed),
    );
    const services: readonly ServiceAnswer[] = snapshot.services.map(renderService);
    const request = { name: "web", query: new URLSearchParams(), body: "" };
    const one: OneServiceAnswer = renderOneService(snapshot, request);
    expect(one.service).toEqual(services[0]);
    for (const list of [status.members, members, vms, moves, history, considered, services]) {
      expect(list.length).toBeGreaterThan(0);
    }
  });
});
