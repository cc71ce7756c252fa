import {
  escapeXml,
  niceSteps,
  type Panel,
  round,
  toX,
  toY,
} from "#agent/cli/simulate/plot-scale.ts";
import type { LoadSecond } from "../load/load-seconds.ts";

const width = 860;
const left = 60;
const right = 700;
const top = 66;
const panelHeight = 120;
const gap = 46;

/** A picture is shown on white pages and on dark ones. */
const style = `
.page{fill:#ffffff} .ink{fill:#1f2937} .faint{fill:#4b5563} .grid{stroke:#e5e7eb}
.demand{stroke:#1d4ed8;fill:none} .area{fill:#1d4ed8;fill-opacity:.14} .lost{fill:#b91c1c}
.serving{fill:#0d9488;fill-opacity:.35;stroke:#0d9488}
.median{stroke:#0d9488;fill:none} .worst{stroke:#c2410c;fill:none} .target{stroke:#b91c1c;stroke-dasharray:4 3}
@media (prefers-color-scheme:dark){
.page{fill:#0d1117} .ink{fill:#e6edf3} .faint{fill:#9da7b3} .grid{stroke:#2a313c}
.demand{stroke:#79a6ff} .area{fill:#79a6ff} .lost{fill:#ff7b72}
.serving{fill:#2dd4bf;stroke:#2dd4bf} .median{stroke:#2dd4bf} .worst{stroke:#ffa657} .target{stroke:#ff7b72}
}`;

export interface CrowdPlot {
  readonly title: string;
  /** From second 0 on, without a gap. */
  readonly seconds: readonly LoadSecond[];
  /** How many members served from which second on, in order; seconds may be negative. */
  readonly serving: readonly { readonly second: number; readonly count: number }[];
  readonly membersMax: number;
  readonly memberPerSecond: number;
  readonly targetMs: number;
}

/** Demand, serving members and latency over one time axis. Plain SVG: no script, no font from elsewhere. */
export function crowdPlot(plot: CrowdPlot): string {
  const { seconds, targetMs } = plot;
  const frame = { left, right, toSecond: Math.max(1, seconds.length) };
  const panelAt = (index: number, max: number): Panel => {
    const panelTop = top + index * (panelHeight + gap);
    return { ...frame, top: panelTop, bottom: panelTop + panelHeight, max };
  };
  const demand = panelAt(0, 1.1 * Math.max(1, ...seconds.map(({ requests }) => requests)));
  const serving = panelAt(1, plot.membersMax + 0.3);
  const worstMs = Math.max(...seconds.map(({ p99Ms }) => p99Ms ?? 0));
  const latency = panelAt(2, 1.1 * Math.max(1.5 * targetMs, worstMs));
  const height = latency.bottom + 46;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escapeXml(plot.title)}</title>`,
    `<style>${style}</style>`,
    `<rect class="page" width="${width}" height="${height}"/>`,
    text({ x: left, y: 28, extra: ' font-size="16" font-weight="bold"' }, plot.title),
    ...demandPanel(demand, plot),
    ...servingPanel(serving, plot),
    ...latencyPanel(latency, plot),
    ...timeAxis(latency),
    "</svg>",
    "",
  ].join("\n");
}

function demandPanel(panel: Panel, { seconds, memberPerSecond }: CrowdPlot): readonly string[] {
  const points = pointsOf(panel, seconds, ({ requests }) => requests);
  const floor = `${toX(panel, 0.5)},${panel.bottom}`;
  const end = `${toX(panel, Math.max(0.5, seconds.length - 0.5))},${panel.bottom}`;
  const lost = seconds.flatMap(({ second, lost: count }) => {
    if (count === 0) return [];
    const y = toY(panel, count);
    const x = toX(panel, second);
    const wide = round(toX(panel, second + 1) - x);
    return [
      `<rect class="lost" x="${x}" y="${y}" width="${wide}" height="${round(panel.bottom - y)}"/>`,
    ];
  });
  const total = seconds.reduce((sum, one) => sum + one.lost, 0);
  return [
    ...frameOf(panel, `requests a second (one member answers ${memberPerSecond})`),
    `<polygon class="area" points="${floor} ${points} ${end}"/>`,
    `<polyline class="demand" stroke-width="1.8" points="${points}"/>`,
    ...lost,
    key(panel, 0, { cssClass: "demand", words: "asked" }),
    key(panel, 1, { cssClass: "lost", words: `lost: ${total}`, filled: true }),
  ];
}

function servingPanel(panel: Panel, { serving, seconds }: CrowdPlot): readonly string[] {
  const steps = serving.flatMap(({ second, count }, index) => {
    const from = Math.max(0, second);
    const to = Math.min(seconds.length, serving[index + 1]?.second ?? seconds.length);
    if (to <= from || count === 0) return [];
    const x = toX(panel, from);
    const y = toY(panel, count);
    const wide = round(toX(panel, to) - x);
    return [
      `<rect class="serving" stroke-width="1" x="${x}" y="${y}" width="${wide}" height="${round(panel.bottom - y)}"/>`,
    ];
  });
  return [...frameOf(panel, "members that serve, the others asleep on disk"), ...steps];
}

function latencyPanel(panel: Panel, { seconds, targetMs }: CrowdPlot): readonly string[] {
  const y = toY(panel, targetMs);
  return [
    ...frameOf(panel, "latency, ms, from when a request was due"),
    `<line class="target" x1="${panel.left}" y1="${y}" x2="${panel.right}" y2="${y}"/>`,
    line(panel, seconds, { cssClass: "median", value: ({ p50Ms }) => p50Ms ?? 0 }),
    line(panel, seconds, { cssClass: "worst", value: ({ p99Ms }) => p99Ms ?? 0 }),
    key(panel, 0, { cssClass: "worst", words: "p99 of each second" }),
    key(panel, 1, { cssClass: "median", words: "median" }),
    key(panel, 2, { cssClass: "target", words: `target for p99` }),
  ];
}

function frameOf(panel: Panel, title: string): readonly string[] {
  const grid = gridValues(panel.max).flatMap((value) => {
    const y = toY(panel, value);
    return [
      `<line class="grid" x1="${panel.left}" y1="${y}" x2="${panel.right}" y2="${y}"/>`,
      text(
        { x: panel.left - 8, y: y + 4, cssClass: "faint", extra: ' text-anchor="end"' },
        `${value}`,
      ),
    ];
  });
  const at = { x: panel.left, y: panel.top - 10, extra: ' font-weight="bold"' };
  return [text(at, title), ...grid];
}

/** Few members are counted one by one. */
function gridValues(max: number): readonly number[] {
  if (max > 6) return niceSteps(max, 5);
  return Array.from({ length: Math.floor(max) + 1 }, (_, value) => value);
}

function timeAxis(panel: Panel): readonly string[] {
  const label = (x: number, y: number, words: string) =>
    text({ x, y, cssClass: "faint", extra: ' text-anchor="middle"' }, words);
  const ticks = niceSteps(panel.toSecond, 8).map((second) =>
    label(toX(panel, second), panel.bottom + 18, String(second)),
  );
  return [...ticks, label((panel.left + panel.right) / 2, panel.bottom + 36, "seconds")];
}

function line(
  panel: Panel,
  seconds: readonly LoadSecond[],
  { cssClass, value }: { cssClass: string; value: (one: LoadSecond) => number },
): string {
  const points = pointsOf(panel, seconds, value);
  return `<polyline class="${cssClass}" stroke-width="1.6" points="${points}"/>`;
}

/** Each second's figure stands at its middle. */
function pointsOf(
  panel: Panel,
  seconds: readonly LoadSecond[],
  value: (one: LoadSecond) => number,
): string {
  return seconds
    .map((one) => `${toX(panel, one.second + 0.5)},${toY(panel, value(one))}`)
    .join(" ");
}

/** One line of what a colour means, to the right of its panel. */
function key(
  panel: Panel,
  index: number,
  { cssClass, words, filled = false }: { cssClass: string; words: string; filled?: boolean },
): string {
  const x = panel.right + 14;
  const y = panel.top + 10 + index * 20;
  const mark = filled
    ? `<rect class="${cssClass}" x="${x}" y="${y - 5}" width="18" height="10"/>`
    : `<line class="${cssClass}" stroke-width="2" x1="${x}" y1="${y}" x2="${x + 18}" y2="${y}"/>`;
  return `${mark}${text({ x: x + 24, y: y + 4, cssClass: "faint" }, words)}`;
}

interface TextStyle {
  readonly x: number;
  readonly y: number;
  readonly cssClass?: string;
  readonly extra?: string;
}

function text({ x, y, cssClass = "ink", extra = "" }: TextStyle, words: string): string {
  return `<text class="${cssClass}" x="${round(x)}" y="${round(y)}"${extra}>${escapeXml(words)}</text>`;
}
