import type { MemberState } from "#lib/model/verdict.ts";
import type { MemberAnswer } from "./answers.ts";
import { exitCodes } from "./cli-error.ts";
import type { Palette, Tone } from "./palette.ts";
import { tableLines } from "./table.ts";
import { formatBytes, formatShare, formatSpan, NO_FIGURE } from "./units.ts";
import { printJson, type VerbRunner } from "./verb-context.ts";

const TONES: Readonly<Record<MemberState, Tone>> = {
  alive: "good",
  suspect: "warn",
  dead: "bad",
  left: "dim",
};

/** `evenkeel members`: the hosts of the cluster as this one sees them. */
export const members: VerbRunner = async (context) => {
  const answer = await context.client.get<{ members: readonly MemberAnswer[] }>("/v1/members");
  if (context.json) printJson(context, answer);
  else for (const line of memberLines(answer.members, context.palette)) context.io.out(line);
  return exitCodes.ok;
};

/** A member's state with its presence or drain, coloured. */
export function stateText(member: MemberAnswer, palette: Palette): string {
  const { state, draining, presence } = member;
  const parts = [palette(TONES[state], state)];
  if (state === "suspect" && presence === "restarting") parts.push("restarting");
  if (draining && state !== "left") parts.push(palette("warn", "draining"));
  return parts.join(", ");
}

/** How long ago the newest news of a member came. */
export function seenText(member: MemberAnswer): string {
  return member.self ? "here" : `${formatSpan(member.ageMs)}${member.ageMs === null ? "" : " ago"}`;
}

function memberLines(list: readonly MemberAnswer[], palette: Palette): readonly string[] {
  const columns = [
    { title: "NAME" },
    { title: "STATE" },
    { title: "CPU", align: "right" as const },
    { title: "MEMORY", align: "right" as const },
    { title: "OF", align: "right" as const },
    { title: "VMS", align: "right" as const },
    { title: "SEEN" },
    { title: "ADDRESS" },
    { title: "VERSION" },
    { title: "ID" },
  ];
  const rows = list.map((member) => [
    palette("strong", member.name),
    stateText(member, palette),
    formatShare(member.cpuShare),
    formatShare(member.memoryShare),
    formatBytes(member.memoryCapacityBytes),
    String(member.vmCount ?? NO_FIGURE),
    seenText(member),
    member.addresses[0] ?? NO_FIGURE,
    member.agentVersion ?? NO_FIGURE,
    palette("dim", shortId(member.host)),
  ]);
  return tableLines(columns, rows);
}

/** The end of an id: all begin alike. */
function shortId(host: string): string {
  return host.slice(-8);
}
