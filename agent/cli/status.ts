import type { MemberAnswer, StatusAnswer } from "./answers.ts";
import { bar } from "./bar.ts";
import { exitCodes } from "./cli-error.ts";
import { outcomeLines } from "./history.ts";
import { seenText, stateText } from "./members.ts";
import { moveLines } from "./moves.ts";
import type { Tone } from "./palette.ts";
import { modeText } from "./plan.ts";
import { tableLines } from "./table.ts";
import { countOf, formatBytes, formatShare, formatSpan, NO_FIGURE } from "./units.ts";
import { printJson, type VerbContext, type VerbRunner } from "./verb-context.ts";

const BAR_WIDTH = 20;

/** Shares from which a bar is yellow and red. */
const WARM_SHARE = 0.7;
const HOT_SHARE = 0.9;

/** Hosts beyond this many do not fit on one screen: `evenkeel members` lists them all. */
const HOSTS_SHOWN_MAX = 40;

/** Planned moves beyond this many: `evenkeel plan` lists them all. */
const PLANNED_SHOWN_MAX = 5;

/** `evenkeel status`: the cluster on one screen. */
export const status: VerbRunner = async (context) => {
  const answer = await context.client.get<StatusAnswer>("/v1/status");
  if (context.json) printJson(context, answer);
  else for (const line of statusLines(answer, context)) context.io.out(line);
  return exitCodes.ok;
};

/** The lines of the picture, for a terminal that shows it again and again as well. */
export function statusLines(
  answer: StatusAnswer,
  context: Pick<VerbContext, "palette" | "io">,
): readonly string[] {
  const { palette } = context;
  const lines = [...headLines(answer, context), "", ...hostLines(answer.members, context)];
  const section = (title: string, body: readonly string[]) => {
    if (body.length > 0) lines.push("", palette("strong", title), ...body);
  };
  section("Alarms", alarmLines(answer, context));
  if (answer.moves.length > 0) section("Moves under way here", moveLines(answer.moves, context));
  section("Plan", planSummary(answer));
  if (answer.lastMoves.length > 0) section("Last moves", outcomeLines(answer.lastMoves, palette));
  return lines;
}

function headLines(
  answer: StatusAnswer,
  { palette }: Pick<VerbContext, "palette">,
): readonly string[] {
  const { name, agentVersion, uptimeMs, members, memberCounts, vmCounts, spread } = answer;
  const vmTotal = Object.values(vmCounts).reduce((sum, count) => sum + count, 0);
  const tone: Tone = answer.keyed && answer.mode === "act" ? "good" : "warn";
  return [
    `${palette("strong", `evenkeel on ${name}`)}  agent ${agentVersion ?? NO_FIGURE}, up ${formatSpan(uptimeMs)}`,
    palette(tone, modeText(answer)),
    `${countOf(members.length, "member")}${listCounts(memberCounts)}  ` +
      `${countOf(vmTotal, "VM")}${listCounts(vmCounts)}  ` +
      `spread CPU ${sdText(spread.cpuSd)}, memory ${sdText(spread.memorySd)}`,
  ];
}

function hostLines(
  members: readonly MemberAnswer[],
  context: Pick<VerbContext, "palette" | "io">,
): readonly string[] {
  const columns = [
    { title: "HOST" },
    { title: "STATE" },
    { title: "CPU" },
    { title: "", align: "right" as const },
    { title: "MEMORY" },
    { title: "", align: "right" as const },
    ...(knowsNetwork(members) ? [{ title: "NETWORK", align: "right" as const }] : []),
    { title: "VMS", align: "right" as const },
    { title: "SEEN" },
  ];
  const shown = members.slice(0, HOSTS_SHOWN_MAX);
  const rows = shown.map((member) => [
    context.palette("strong", member.name),
    stateText(member, context.palette),
    cpuBar(member, context),
    cpuText(member),
    memoryBar(member, context),
    `${formatShare(member.memoryShare)} of ${formatBytes(member.memoryCapacityBytes)}`,
    ...(knowsNetwork(members) ? [formatShare(member.networkShare)] : []),
    String(member.vmCount ?? NO_FIGURE),
    seenText(member),
  ]);
  const more = members.length - shown.length;
  const lines = tableLines(columns, rows);
  return more > 0 ? [...lines, `and ${more} more: evenkeel members`] : lines;
}

function cpuBar(member: MemberAnswer, { palette, io }: Pick<VerbContext, "palette" | "io">) {
  const { measuredCpuShare: share, cpuShare: projectedShare } = member;
  const text = bar({ share, projectedShare, width: BAR_WIDTH, unicode: io.unicode });
  return palette(heatOf(Math.max(share ?? 0, projectedShare ?? 0)), text);
}

function memoryBar(member: MemberAnswer, { palette, io }: Pick<VerbContext, "palette" | "io">) {
  const { memoryShare: share } = member;
  return palette(heatOf(share ?? 0), bar({ share, width: BAR_WIDTH, unicode: io.unicode }));
}

/** Many hosts tell no speed of their links: then there is no column for it. */
function knowsNetwork(members: readonly MemberAnswer[]): boolean {
  return members.some((member) => (member.networkShare ?? null) !== null);
}

/** Measured, and where the agreed moves lead when that is another figure. */
function cpuText({ measuredCpuShare, cpuShare }: MemberAnswer): string {
  const measured = formatShare(measuredCpuShare);
  const projected = formatShare(cpuShare);
  return measured === projected ? measured : `${measured} -> ${projected}`;
}

function heatOf(share: number): Tone {
  if (share >= HOT_SHARE) return "bad";
  return share >= WARM_SHARE ? "warn" : "good";
}

function alarmLines(
  { alarms }: StatusAnswer,
  { palette }: Pick<VerbContext, "palette">,
): readonly string[] {
  return alarms.flatMap(({ code, message, remedy }) => [
    `${palette("bad", `! ${code}`)}: ${message}`,
    `  ${remedy}`,
  ]);
}

function planSummary({ plan }: StatusAnswer): readonly string[] {
  const more = plan.moves.length - PLANNED_SHOWN_MAX;
  return [
    plan.reason,
    ...plan.moves
      .slice(0, PLANNED_SHOWN_MAX)
      .map(
        ({ vm, from, to, score }) =>
          `would move ${vm} from ${from} to ${to} (score ${score.toFixed(3)})`,
      ),
    more > 0 ? `and ${more} more: evenkeel plan` : "",
  ].filter((line) => line !== "");
}

function listCounts(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([state, count]) => `${count} ${state}`);
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

function sdText(sd: number | null): string {
  return sd === null ? NO_FIGURE : sd.toFixed(3);
}
