import type { LoggedMove } from "#lib/simulation/move-recorder.ts";
import type { LoadHistory } from "./load-history.ts";
import { escapeXml, niceSteps, type Panel, round, toX, toY } from "./plot-scale.ts";
import { bandShapes, bands, lineShapes, medianColour, rankColours } from "./plot-shapes.ts";

/** More lines than this make a picture that nobody can read: bands show many hosts better. */
const linesMax = 60;
/** Bars of the moves' panel. */
const binsMax = 120;

const width = 960;
const left = 64;
const right = 790;
const top = 72;
const loadHeight = 230;
const movesHeight = 70;
const gap = 44;

const ink = "#1f2937";
const faint = "#4b5563";
const gridColour = "#e5e7eb";
const fullColour = "#b91c1c";
const barColour = "#475569";
const goalColour = "#047857";

export interface PlotOptions {
  readonly title: string;
  readonly history: LoadHistory;
  readonly result: {
    readonly seconds: number;
    readonly secondsTo95: number | null;
    readonly moveLog: readonly LoggedMove[];
    readonly before: { readonly cpuSd: number; readonly memSd: number };
    readonly after: { readonly cpuSd: number; readonly memSd: number };
  };
}

/**
 * A picture of a run: CPU of each host over time, memory below it, moves at the bottom. Few hosts are
 * lines, many are bands. Plain SVG 1.1: no script, no font from elsewhere.
 */
export function plotSvg({ title, history, result }: PlotOptions): string {
  const { before, after, secondsTo95, moveLog } = result;
  const frame = { left, right, toSecond: Math.max(1, result.seconds) };
  const panelAt = (panelTop: number, height: number, max: number): Panel => {
    return { ...frame, top: panelTop, bottom: panelTop + height, max };
  };
  const cpu = panelAt(top, loadHeight, maxOf(history.cpu));
  const memory = panelAt(cpu.bottom + gap, loadHeight, maxOf(history.memory));
  const moves = panelAt(memory.bottom + gap, movesHeight, 1);
  const height = moves.bottom + 46;
  const sdText = (from: number, to: number) => `sd ${from.toFixed(3)} → ${to.toFixed(3)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="${ink}">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text({ x: left, y: 30, size: 16, weight: "bold" }, title),
    ...loadPanel(cpu, `CPU, ${sdText(before.cpuSd, after.cpuSd)}`, history, history.cpu),
    ...loadPanel(memory, `memory, ${sdText(before.memSd, after.memSd)}`, history, history.memory),
    ...movesPanel(moves, moveLog),
    ...goalMark([cpu, memory, moves], secondsTo95),
    ...timeAxis(moves),
    ...legend(history.cpu[0]?.length ?? 0),
    "</svg>",
    "",
  ].join("\n");
}

function loadPanel(
  panel: Panel,
  title: string,
  { seconds }: LoadHistory,
  values: readonly Float32Array[],
): readonly string[] {
  const shapes = (values[0]?.length ?? 0) > linesMax ? bandShapes : lineShapes;
  const grid = niceSteps(panel.max, 5).flatMap((share) => {
    const y = toY(panel, share);
    // What is above this line is more than the host has.
    const colour = share === 1 && panel.max > 1 ? fullColour : gridColour;
    return [
      rule(panel, y, colour),
      text({ x: panel.left - 8, y: y + 4, anchor: "end", colour: faint }, percent(share)),
    ];
  });
  return [
    text({ x: panel.left, y: panel.top - 10, weight: "bold" }, title),
    ...grid,
    ...shapes(panel, { seconds, values }),
  ];
}

/** Bars of how many moves ended within each stretch of time. */
function movesPanel(panel: Panel, moveLog: readonly LoggedMove[]): readonly string[] {
  const bins = new Array<number>(Math.min(binsMax, panel.toSecond)).fill(0);
  for (const { second } of moveLog) {
    const bin = Math.min(bins.length - 1, Math.floor((second / panel.toSecond) * bins.length));
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  const most = bins.reduce((max, count) => Math.max(max, count), 1);
  const scaled = { ...panel, max: most };
  const binWidth = (panel.right - panel.left) / bins.length;
  const bars = bins.flatMap((count, bin) => {
    if (count === 0) return [];
    const y = toY(scaled, count);
    const x = round(panel.left + bin * binWidth);
    return `<rect x="${x}" y="${y}" width="${round(Math.max(0.8, binWidth - 1))}" height="${round(panel.bottom - y)}" fill="${barColour}"/>`;
  });
  const each = Number((panel.toSecond / bins.length).toPrecision(3));
  return [
    text({ x: panel.left, y: panel.top - 10, weight: "bold" }, `moves in each ${each} s`),
    rule(panel, panel.bottom, gridColour),
    text({ x: panel.left - 8, y: panel.top + 4, anchor: "end", colour: faint }, String(most)),
    text({ x: panel.left - 8, y: panel.bottom + 4, anchor: "end", colour: faint }, "0"),
    ...bars,
  ];
}

/** When the cluster had come within 5 % of what a central greedy makes of it. */
function goalMark(panels: readonly Panel[], second: number | null): readonly string[] {
  if (second === null) return [];
  const lines = panels.map((panel) => {
    const x = toX(panel, second);
    return `<line x1="${x}" y1="${panel.top}" x2="${x}" y2="${panel.bottom}" stroke="${goalColour}" stroke-dasharray="4 3"/>`;
  });
  const [first] = panels;
  if (first === undefined) return [];
  const at = { x: toX(first, second) + 5, y: first.top + 14, colour: goalColour };
  return [...lines, text(at, `95 % level after ${second} s`)];
}

function timeAxis(panel: Panel): readonly string[] {
  const ticks = niceSteps(panel.toSecond, 8).map((second) => {
    const at = { x: toX(panel, second), y: panel.bottom + 18, colour: faint };
    return text({ ...at, anchor: "middle" }, String(second));
  });
  const middle = (panel.left + panel.right) / 2;
  return [
    ...ticks,
    text({ x: middle, y: panel.bottom + 36, anchor: "middle", colour: faint }, "virtual time, s"),
  ];
}

function legend(hosts: number): readonly string[] {
  const x = right + 20;
  const isBanded = hosts > linesMax;
  const entries = isBanded
    ? [...bands, { colour: medianColour, text: "median" }]
    : rankColours.map(({ colour, text: words }) => ({ colour, text: words }));
  const title = isBanded ? "between lie" : "hosts, by load at first";
  return [
    text({ x, y: top + 4, weight: "bold" }, title),
    ...entries.flatMap((entry, index) => {
      const y = top + 16 + index * 18;
      return [
        `<rect x="${x}" y="${y}" width="14" height="${entry.text === "median" ? 3 : 12}" fill="${entry.colour}"/>`,
        text({ x: x + 22, y: y + 10, colour: faint }, entry.text),
      ];
    }),
  ];
}

interface TextStyle {
  readonly x: number;
  readonly y: number;
  readonly size?: number;
  readonly weight?: "bold";
  readonly anchor?: "middle" | "end";
  readonly colour?: string;
}

function text({ x, y, size, weight, anchor, colour }: TextStyle, words: string): string {
  const style =
    (size ? ` font-size="${size}"` : "") +
    (weight ? ` font-weight="${weight}"` : "") +
    (anchor ? ` text-anchor="${anchor}"` : "") +
    (colour ? ` fill="${colour}"` : "");
  return `<text x="${round(x)}" y="${round(y)}"${style}>${escapeXml(words)}</text>`;
}

/** A horizontal line across a panel. */
function rule({ left: x1, right: x2 }: Panel, y: number, colour: string): string {
  return `<line x1="${x1}" y1="${y}" x2="${x2}" y2="${y}" stroke="${colour}"/>`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Upper edge of a panel: all of a host, or more where more is asked of one. */
function maxOf(samples: readonly Float32Array[]): number {
  let max = 1;
  for (const hosts of samples) for (const share of hosts) max = Math.max(max, share);
  return Math.ceil(max * 10 - 1e-6) / 10;
}
