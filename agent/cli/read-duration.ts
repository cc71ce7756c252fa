import { UsageError } from "./cli-error.ts";

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** A span as operators write it: "90s", "10m", "1h"; a bare number is seconds. Throws UsageError. */
export function readDurationMs(text: string): number {
  const match = /^([0-9]{1,7})([smh])?$/.exec(text);
  if (match === null) throw new UsageError(`"${text}" is no time span: write 90s, 10m or 1h`);
  return Number(match[1]) * (UNITS_MS[match[2] ?? "s"] ?? 1_000);
}
