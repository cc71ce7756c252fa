import type { MemberAnswer, StatusAnswer } from "../answers.ts";
import type { ApiClient } from "../api-client.ts";
import { countOf } from "../units.ts";
import { type Finding, fail, ok, warn, wordsOf } from "./finding.ts";

/** Does the agent answer, does it see others, and does it raise alarms? */
export async function checkAgent(client: ApiClient): Promise<{
  readonly findings: readonly Finding[];
  readonly answers: boolean;
  readonly members: readonly MemberAnswer[];
}> {
  try {
    const status = await client.get<StatusAnswer>("/v1/status");
    return { findings: findingsOf(status), answers: true, members: status.members };
  } catch (error) {
    const finding = warn("agent", wordsOf(error), "systemctl start evenkeel");
    return { findings: [finding], answers: false, members: [] };
  }
}

function findingsOf(status: StatusAnswer): readonly Finding[] {
  const others = status.members.filter(({ self, state }) => !self && state === "alive").length;
  const findings = [
    ok("agent", `answers as ${status.name}, mode ${status.mode}`),
    others > 0
      ? ok("members", `sees ${countOf(others, "other member")} alive`)
      : warn(
          "members",
          "sees no other member",
          "same key everywhere? compare evenkeel key fingerprint; firewall and multicast open?",
        ),
    ...status.alarms.map(({ code, message, remedy }) => fail(code, message, remedy)),
  ];
  return [...findings, ...hypervisorFindings(status)];
}

/** Opening the device says less than the agent knows: it has seen guests run, or not. */
function hypervisorFindings({ members }: StatusAnswer): readonly Finding[] {
  const facts = members.find(({ self }) => self)?.hypervisor;
  if (!facts) return [];
  const { kind, version, accelerator, liveMigrationRefusal: refusal } = facts;
  const remedy = "see the checks of QEMU above";
  return [
    ok("guests", `${kind} ${version}, accelerator ${accelerator}`),
    ...(refusal === null ? [] : [warn("migration", refusal, remedy)]),
  ];
}
