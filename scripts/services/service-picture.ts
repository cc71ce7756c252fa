import type { ServiceMemberAnswer } from "#agent/cli/answers.ts";
import { bar } from "#agent/cli/bar.ts";
import type { Tone } from "#agent/cli/palette.ts";
import { tableLines } from "#agent/cli/table.ts";
import { NO_FIGURE } from "#agent/cli/units.ts";
import type { Picture, PictureOptions } from "../levelling/screen.ts";
import type { LoadSecond } from "../load/load-seconds.ts";
import { MEMBER_WEB } from "./demo-plan.ts";
import type { Happening } from "./service-watch.ts";

/** Of what happened the last so many lines are shown. */
const HAPPENINGS_SHOWN = 3;
const BAR_WIDTH = 24;
const TONES: Readonly<Record<string, Tone>> = {
  running: "good",
  suspended: "dim",
  absent: "dim",
  stale: "bad",
};

/** A service at one moment, with what its clients see of it. */
export interface ServiceLook {
  readonly atMs: number;
  readonly members: readonly ServiceMemberAnswer[];
  /** The last whole second of the load; null before it begins. */
  readonly load: LoadSecond | null;
  readonly requestsLost: number;
  readonly queued: number;
  readonly targetMs: number;
  readonly happenings: readonly Happening[];
  /** When the demonstration began, ms since 1970. */
  readonly beganAtMs: number;
}

export function servicePictureOf(look: ServiceLook): Picture {
  return {
    atMs: look.atMs,
    lines: (options) => pictureLines(look, options),
    line: pictureLine(look),
    happened: look.happenings.map((one) => happeningLine(one, look.beganAtMs)),
  };
}

function pictureLines(look: ServiceLook, options: PictureOptions): readonly string[] {
  const { palette } = options;
  const columns = [
    { title: "HOST" },
    { title: "MEMBER" },
    { title: "SESSIONS".padEnd(BAR_WIDTH) },
    { title: "", align: "right" as const },
  ];
  const rows = look.members.map((member) => [
    palette("strong", member.host),
    palette(TONES[member.state] ?? "warn", member.state.padEnd("suspending".length)),
    sessionBar(member, options),
    runs(member) ? String(member.sessions ?? NO_FIGURE) : NO_FIGURE,
  ]);
  const last = look.happenings
    .slice(-HAPPENINGS_SHOWN)
    .map((one) => palette("dim", happeningLine(one, look.beganAtMs)));
  const load = loadWords(look);
  const shownLoad = isSlow(look) ? palette("warn", load) : load;
  return [...tableLines(columns, rows), "", shownLoad, "", ...last];
}

function pictureLine(look: ServiceLook): string {
  const members = look.members.map(({ host, state }) => `${host} ${state}`);
  return [...members, loadWords(look)].join("   ");
}

function loadWords({ load, queued, requestsLost }: ServiceLook): string {
  if (load === null) return "no requests yet";
  const times = `p50 ${shownMs(load.p50Ms)}   p99 ${shownMs(load.p99Ms)}`;
  return `${load.requests} requests/s   ${times}   ${queued} queued   ${requestsLost} lost`;
}

function shownMs(ms: number | null): string {
  return ms === null ? NO_FIGURE : `${Math.round(ms)} ms`;
}

function isSlow({ load, targetMs, requestsLost }: ServiceLook): boolean {
  return requestsLost > 0 || (load?.p99Ms ?? 0) > targetMs;
}

function sessionBar(member: ServiceMemberAnswer, { palette, unicode }: PictureOptions): string {
  if (!runs(member)) return " ".repeat(BAR_WIDTH);
  const share = member.sessions === null ? null : Math.min(1, member.sessions / MEMBER_WEB.atOnce);
  return palette("good", bar({ share, width: BAR_WIDTH, unicode }));
}

function runs({ state }: ServiceMemberAnswer): boolean {
  return state === "running" || state === "draining";
}

function happeningLine({ atMs, host, state }: Happening, beganAtMs: number): string {
  return `${((atMs - beganAtMs) / 1000).toFixed(1).padStart(6)} s  ${host} ${state}`;
}
