import type { Spread } from "#lib/simulation/cluster-model.ts";
import type { LoggedMove } from "#lib/simulation/move-recorder.ts";
import { bar } from "../bar.ts";
import type { Palette, Tone } from "../palette.ts";
import { tableLines } from "../table.ts";
import { countOf, formatBytes, formatPotential, formatShare, formatSpan } from "../units.ts";
import type { VerbContext } from "../verb-context.ts";
import type { LoadHistory } from "./load-history.ts";
import type { Scenario } from "./load-scenario.ts";
import type { SimulateResult } from "./simulate-result.ts";

/** Moves beyond this many: --json has them all. */
const movesShownMax = 12;
/** Hosts beyond this many do not fit on one screen: --plot draws them all. */
const hostsShownMax = 40;
const violationsShownMax = 10;
const barWidth = 16;

const right = { align: "right" } as const;

export interface Report {
  readonly scenario: Scenario;
  readonly result: SimulateResult;
  readonly history: LoadHistory;
  readonly context: Pick<VerbContext, "io" | "palette">;
}

/** What came of a simulated run, for a person. */
export function reportLines(report: Report): readonly string[] {
  const { result, context } = report;
  const { palette } = context;
  const lines = [headLine(report), "", ...spreadLines(result, palette), "", ...factLines(report)];
  const section = (title: string, body: readonly string[]) => {
    if (body.length > 0) lines.push("", palette("strong", title), ...body);
  };
  section("What must never be, and was", violationLines(result, palette));
  section("First moves", moveLines(result.moveLog, palette));
  section("Hosts, before and after", hostLines(report));
  return lines;
}

function headLine({ scenario, result, context }: Report): string {
  const { hosts, vms, seconds, seed } = result;
  const name = context.palette("strong", "evenkeel simulate");
  return (
    `${name}  ${countOf(hosts, "host")}, ${countOf(vms, "VM")} (${scenario.title}), ` +
    `${formatSpan(seconds * 1_000)} of virtual time, seed ${seed}`
  );
}

function spreadLines(
  { before, after, central, moves, hosts }: SimulateResult,
  palette: Palette,
): readonly string[] {
  const columns = [
    { title: "" },
    { title: "CPU SD", ...right },
    { title: "CPU MAX", ...right },
    { title: "MEMORY SD", ...right },
    { title: "MEMORY MAX", ...right },
    { title: "MOVES", ...right },
  ];
  const row = (name: string, spread: Spread, count: string) => [
    palette("strong", name),
    spread.cpuSd.toFixed(3),
    formatShare(spread.cpuMax),
    spread.memSd.toFixed(3),
    formatShare(spread.memMax),
    count,
  ];
  const rows = [row("before", before, ""), row("after", after, String(moves))];
  if (central) {
    const part = central.hosts < hosts ? `, ${central.hosts} of the hosts` : "";
    rows.push(row(`central greedy${part}`, central.after, String(central.moves)));
  }
  return tableLines(columns, rows);
}

function factLines({ result, scenario, context }: Report): readonly string[] {
  const { palette } = context;
  const { moves, movedBytes, refusals, violations } = result;
  const { messagesPerHostPerSecond: messages, bytesPerHostPerSecond: bytes } = result;
  const lines = [
    `${countOf(moves, "move")}, ${formatBytes(movedBytes)} moved; ${levelText(result, scenario)}`,
    `${countOf(refusals, "refusal")}; ${messages.toFixed(1)} messages and ${formatBytes(bytes)} ` +
      "sent by each host a second",
  ];
  if (result.contentionVmSeconds > 0 || scenario.workload !== null) {
    lines.push(
      `${Math.round(result.contentionVmSeconds)} VM-seconds on hosts asked for more CPU than they have`,
    );
  }
  if (result.faults.length > 0) lines.push(faultText(result));
  const tone: Tone = violations > 0 ? "bad" : "good";
  lines.push(
    palette(tone, violations > 0 ? countOf(violations, "violation") : "nothing went wrong"),
  );
  return lines;
}

function levelText({ secondsTo95, central }: SimulateResult, { workload }: Scenario): string {
  if (workload !== null || central === null) return "loads change, so there is no goal to reach";
  if (secondsTo95 === null) return "95 % of what the central greedy improves was not reached";
  return `95 % of what the central greedy improves after ${formatSpan(secondsTo95 * 1_000)}`;
}

function faultText({ faults, vmsDown }: SimulateResult): string {
  const counts = new Map<string, number>();
  for (const { kind } of faults) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const kinds = [...counts].map(([kind, count]) => `${count} ${kind}`).join(", ");
  return `${countOf(faults.length, "fault")} (${kinds}); ${countOf(vmsDown, "VM")} lost with a disk`;
}

function violationLines({ violationLog, violations }: SimulateResult, palette: Palette) {
  const shown = violationLog.slice(0, violationsShownMax);
  const more = violations - shown.length;
  const lines = shown.map((line) => palette("bad", line));
  return more > 0 ? [...lines, `and ${more} more (--json shows the first 100)`] : lines;
}

function moveLines(moveLog: readonly LoggedMove[], palette: Palette): readonly string[] {
  if (moveLog.length === 0) return [];
  const columns = [
    { title: "SECOND", ...right },
    { title: "VM" },
    { title: "FROM" },
    { title: "TO" },
    { title: "GAIN", ...right },
    { title: "COST", ...right },
    { title: "REASON" },
  ];
  const shown = moveLog.slice(0, movesShownMax);
  const rows = shown.map(({ second, vm, from, to, gain, cost, reason }) => [
    second.toFixed(1),
    palette("strong", vm),
    from,
    to,
    formatPotential(gain),
    formatPotential(cost),
    reason,
  ]);
  const more = moveLog.length - shown.length;
  const lines = tableLines(columns, rows);
  return more > 0 ? [...lines, `and ${more} more (--json shows all)`] : lines;
}

function hostLines({ scenario, history, context }: Report): readonly string[] {
  const { hosts } = scenario.model;
  if (hosts.length > hostsShownMax) return [];
  const columns = [
    { title: "HOST" },
    { title: "CPU" },
    { title: "", ...right },
    { title: "MEMORY" },
    { title: "", ...right },
  ];
  const rows = hosts.map(({ name }, index) => [
    context.palette("strong", name),
    ...shareCells(history.cpu, index, context),
    ...shareCells(history.memory, index, context),
  ]);
  return tableLines(columns, rows);
}

/** A bar and "81 % -> 41 %": what the host had at first, and what it has in the end. */
function shareCells(
  samples: readonly Float32Array[],
  host: number,
  { io, palette }: Report["context"],
): readonly string[] {
  const share = samples[0]?.[host] ?? 0;
  const projectedShare = samples.at(-1)?.[host] ?? 0;
  const text = bar({ share, projectedShare, width: barWidth, unicode: io.unicode });
  const worst = Math.max(share, projectedShare);
  const tone: Tone = worst >= 0.9 ? "bad" : worst >= 0.7 ? "warn" : "good";
  return [palette(tone, text), `${formatShare(share)} -> ${formatShare(projectedShare)}`];
}
