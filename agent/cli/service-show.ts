import { stringify } from "yaml";
import type { OneServiceAnswer, ServiceAnswer, ServiceMemberAnswer } from "./answers.ts";
import { exitCodes } from "./cli-error.ts";
import { servicePath } from "./simple-verb.ts";
import { tableLines } from "./table.ts";
import { countOf, formatBytes, formatShare, NO_FIGURE } from "./units.ts";
import { printJson, type VerbRunner, wordAt } from "./verb-context.ts";

const ON_HOLD = "# the cluster is on hold: nothing is staged or resumed until 'evenkeel act'";

/** `evenkeel service show NAME`: who declared what, in a form that `service apply` takes. */
export const serviceShow: VerbRunner = async (context, input) => {
  const path = servicePath(wordAt(input, 0));
  const answer = await context.client.get<OneServiceAnswer>(path);
  if (context.json) printJson(context, answer);
  else for (const line of serviceLines(answer)) context.io.out(line);
  return exitCodes.ok;
};

/** What is no part of the file stands in comments, so that all of it can be applied again. */
function serviceLines({ mode, service, file }: OneServiceAnswer): readonly string[] {
  const { name, state, version, author, problem } = service;
  const said = `# ${name}: ${state} at version ${version} by ${author}`;
  const life = [...(mode === "hold" ? [ON_HOLD] : []), ...lifeLines(service)];
  if (file === null) return [said, `# ${problem ?? "it says nothing"}`];
  return [said, ...life, ...stringify(file, { lineWidth: 0 }).trimEnd().split("\n")];
}

/** What becomes of it; nothing where the asked host takes no part in services. */
function lifeLines({ steward, lastRefusal, switches, members }: ServiceAnswer): readonly string[] {
  if (steward === null) return [];
  const running = members.filter(({ state }) => state === "running").length;
  const said = `# ${countOf(members.length, "member")}, ${running} running; steward: ${steward}`;
  const refusal = lastRefusal === "" ? [] : [`# last refusal: ${lastRefusal}`];
  const broken = switches
    .filter(({ problem }) => problem !== "")
    .map(({ host, problem }) => `# the switch of ${host}: ${problem}`);
  const columns = ["HOST", "STATE", "CPU", "SESSIONS", "DISK", ""].map((title) => ({ title }));
  const table = members.length === 0 ? [] : tableLines(columns, members.map(memberCells));
  return [said, ...refusal, ...broken, ...table.map((line) => `# ${line}`.trimEnd())];
}

function memberCells(member: ServiceMemberAnswer): string[] {
  const notes = [
    ...(member.hostState === "live" ? [] : [`the host is ${member.hostState}`]),
    ...(member.outdated ? ["of an older template"] : []),
    ...(member.healthy ? [] : ["unhealthy"]),
    ...(member.obstacle === "" ? [] : [member.obstacle]),
  ];
  const sessions = member.sessions === null ? NO_FIGURE : String(member.sessions);
  const { host, state, cpuShare, diskBytes } = member;
  return [host, state, formatShare(cpuShare), sessions, formatBytes(diskBytes), notes.join("; ")];
}
