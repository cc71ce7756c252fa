export interface BarOptions {
  /** Measured share, 0..1; null for unknown. */
  readonly share: number | null;
  /** Where the share is heading; the same as `share` where there is no such thing. */
  readonly projectedShare?: number | null;
  readonly width: number;
  readonly unicode: boolean;
}

/** `both`: measured and projected; `coming`: projected only; `going`: measured only. */
const BLOCKS = { both: "█", coming: "▒", going: "▓", free: "░" };
const ASCII = { both: "#", coming: "+", going: "=", free: "." };

/** A share as a bar of `width` characters; spaces when it is unknown. */
export function bar({ share, projectedShare, width, unicode }: BarOptions): string {
  if (share === null) return " ".repeat(width);
  const marks = unicode ? BLOCKS : ASCII;
  const measured = cells(share, width);
  const projected = cells(projectedShare ?? share, width);
  const both = Math.min(measured, projected);
  const coming = Math.max(0, projected - measured);
  const going = Math.max(0, measured - projected);
  return (
    marks.both.repeat(both) +
    marks.coming.repeat(coming) +
    marks.going.repeat(going) +
    marks.free.repeat(width - both - coming - going)
  );
}

/** Anything above nothing shows at least one cell; anything above all of it shows all. */
function cells(share: number, width: number): number {
  if (share <= 0) return 0;
  return Math.min(width, Math.max(1, Math.round(share * width)));
}
