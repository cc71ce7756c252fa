import { type Panel, toX, toY } from "./plot-scale.ts";

/** Values of all hosts at some seconds. */
export interface Curves {
  readonly seconds: readonly number[];
  /** By sample, then by host. */
  readonly values: readonly Float32Array[];
}

/** Colours of hosts by their first value, the most loaded fifth first. */
export const rankColours = [
  { colour: "#b91c1c", text: "most loaded" },
  { colour: "#ea580c", text: "" },
  { colour: "#ca8a04", text: "in the middle" },
  { colour: "#0d9488", text: "" },
  { colour: "#1d4ed8", text: "least loaded" },
] as const;

/** Shares of the hosts that lie within each band, widest first. */
export const bands = [
  { from: 0, to: 1, colour: "#dbeafe", text: "all hosts" },
  { from: 0.05, to: 0.95, colour: "#93c5fd", text: "90 % of them" },
  { from: 0.25, to: 0.75, colour: "#3b82f6", text: "the middle half" },
] as const;

export const medianColour = "#172554";

/** One line a host. */
export function lineShapes(panel: Panel, { seconds, values }: Curves): readonly string[] {
  const first = values[0] ?? new Float32Array();
  // The least loaded are drawn first, so that the hottest lie on top.
  const order = [...first.keys()].sort((a, b) => (first[a] ?? 0) - (first[b] ?? 0));
  return order.map((host, rank) => {
    const fifth = Math.floor(((order.length - 1 - rank) / order.length) * rankColours.length);
    const points = pointsOf(panel, seconds, (sample) => values[sample]?.[host] ?? 0);
    return `<polyline points="${points}" fill="none" stroke="${rankColours[fifth]?.colour}" stroke-width="1.2" stroke-opacity="0.8"/>`;
  });
}

/** Bands that shares of the hosts lie in, and their median. */
export function bandShapes(panel: Panel, { seconds, values }: Curves): readonly string[] {
  const sorted = values.map((hosts) => hosts.toSorted());
  const at = (share: number) => (sample: number) => {
    const hosts = sorted[sample] ?? new Float32Array();
    return hosts[Math.round(share * (hosts.length - 1))] ?? 0;
  };
  const areas = bands.map(({ from, to, colour }) => {
    const upper = pointsOf(panel, seconds, at(to));
    const lower = pointsOf(panel, seconds, at(from)).split(" ").reverse().join(" ");
    return `<polygon points="${upper} ${lower}" fill="${colour}"/>`;
  });
  const median = pointsOf(panel, seconds, at(0.5));
  return [
    ...areas,
    `<polyline points="${median}" fill="none" stroke="${medianColour}" stroke-width="1.5"/>`,
  ];
}

/** "x,y x,y …": points on a straight line between their neighbours are left out. */
function pointsOf(
  panel: Panel,
  seconds: readonly number[],
  valueAt: (sample: number) => number,
): string {
  const points: { x: number; y: number }[] = [];
  for (const [sample, second] of seconds.entries()) {
    const point = { x: toX(panel, second), y: toY(panel, valueAt(sample)) };
    const before = points.at(-1);
    if (before?.y === point.y && points.at(-2)?.y === point.y) points.pop();
    points.push(point);
  }
  return points.map(({ x, y }) => `${x},${y}`).join(" ");
}
