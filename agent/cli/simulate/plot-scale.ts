/** Where one picture within the picture lies, in pixels, and what its edges mean. */
export interface Panel {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  /** The left edge is second 0. */
  readonly toSecond: number;
  /** Value at the upper edge; the lower one is 0. */
  readonly max: number;
}

export function toX(panel: Panel, second: number): number {
  return round(panel.left + (second / panel.toSecond) * (panel.right - panel.left));
}

export function toY(panel: Panel, value: number): number {
  return round(panel.bottom - (value / panel.max) * (panel.bottom - panel.top));
}

/** A tenth of a pixel is as fine as anybody sees. */
export function round(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}

/** 0 and round values up to `max`, about `count` of them: steps of 1, 2 or 5 times a power of ten. */
export function niceSteps(max: number, count: number): readonly number[] {
  const rough = max / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough) ?? rough;
  const steps: number[] = [];
  for (let index = 0; index * step <= max * 1.0001; index++) {
    steps.push(Number((index * step).toPrecision(12)));
  }
  return steps;
}

/** Text that cannot be taken for markup. */
export function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
