import { bar } from "#agent/cli/bar.ts";
import type { Palette, Tone } from "#agent/cli/palette.ts";
import { tableLines } from "#agent/cli/table.ts";
import { formatShare, formatSpan, NO_FIGURE } from "#agent/cli/units.ts";
import type { HostObservation, Observation } from "./observation.ts";
import type { Picture, PictureOptions } from "./screen.ts";

/** A bar of this many cells is twice the capacity: hosts begin far above theirs. */
const BAR_WIDTH = 30;
const BAR_SHARE_MAX = 2;
const WARM_SHARE = 0.7;
const HOT_SHARE = 0.95;

/** The fleet at one moment. */
export function pictureOf(seen: Observation): Picture {
  return {
    atMs: seen.atMs,
    lines: (options) => pictureLines(seen, options),
    line: pictureLine(seen),
    happened: seen.outcomes.map(outcomeLine),
  };
}

/** As a table with what goes on below it. */
function pictureLines(seen: Observation, options: PictureOptions): readonly string[] {
  const { palette } = options;
  const columns = [
    { title: "HOST" },
    { title: `CPU, ${"full is 200 %".padEnd(BAR_WIDTH - 5)}` },
    { title: "", align: "right" as const },
    { title: "GUESTS" },
  ];
  const rows = seen.hosts.map((host) => [
    palette("strong", host.name),
    loadBar(host, options),
    formatShare(host.cpuShare),
    guestText(host, palette),
  ]);
  return [...tableLines(columns, rows), "", summaryLine(seen), moveLine(seen, palette)];
}

function pictureLine(seen: Observation): string {
  const hosts = seen.hosts.map(
    ({ name, cpuShare, guests }) => `${name} ${formatShare(cpuShare)} (${guests.length})`,
  );
  return `${hosts.join("   ")}   ${summaryLine(seen)}`;
}

export function outcomeLine({ vm, from, to, result, downtimeMs, durationMs, detail }: Outcome) {
  const end = result === "moved" ? `paused for ${formatSpan(downtimeMs)}` : `${result}: ${detail}`;
  return `${vm} ${from} -> ${to} in ${formatSpan(durationMs)}, ${end}`;
}

type Outcome = Observation["outcomes"][number];

function loadBar({ cpuShare }: HostObservation, { palette, unicode }: PictureOptions): string {
  const share = cpuShare === null ? null : cpuShare / BAR_SHARE_MAX;
  return palette(heatOf(cpuShare ?? 0), bar({ share, width: BAR_WIDTH, unicode }));
}

function heatOf(share: number): Tone {
  if (share >= HOT_SHARE) return "bad";
  return share >= WARM_SHARE ? "warn" : "good";
}

function guestText({ guests }: HostObservation, palette: Palette): string {
  const words = guests.map(({ name, state }) =>
    state === "running" ? name : palette("warn", `${name} (${state})`),
  );
  return words.join(" ") || NO_FIGURE;
}

function summaryLine({ cpuSd, outcomes }: Observation): string {
  const moved = outcomes.filter(({ result }) => result === "moved").length;
  return `spread ${cpuSd === null ? NO_FIGURE : cpuSd.toFixed(2)}   ${moved} moved`;
}

function moveLine({ movesUnderWay, outcomes }: Observation, palette: Palette): string {
  if (movesUnderWay.length > 0) {
    const moves = movesUnderWay.map(
      ({ vm, from, to, progress }) =>
        `${vm} ${from} -> ${to} ${formatShare(progress?.share ?? null)}`,
    );
    return palette("warn", `moving: ${moves.join(", ")}`);
  }
  const last = outcomes.at(-1);
  return palette("dim", last === undefined ? "no move yet" : `last: ${outcomeLine(last)}`);
}
