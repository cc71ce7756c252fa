const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** What is shown for a figure that cannot be had. */
export const NO_FIGURE = "-";

/** Bytes for people: "128 MiB", "1.5 GiB". */
export function formatBytes(bytes: number | null): string {
  if (bytes === null) return NO_FIGURE;
  let value = bytes;
  let unit = 0;
  // Rounding must not lead to "1024 MiB".
  while (Math.round(value) >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${shortNumber(value)} ${BYTE_UNITS[unit]}`;
}

/** A share of 0..1 in per cent: "62 %". */
export function formatShare(share: number | null): string {
  return share === null ? NO_FIGURE : `${Math.round(share * 100)} %`;
}

/** A time span in its two largest units: "41 ms", "2.3 s", "3 min 5 s", "2 h 3 min". */
export function formatSpan(ms: number | null): string {
  if (ms === null) return NO_FIGURE;
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND_MS) return `${(ms / SECOND_MS).toFixed(1)} s`;
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`;
  if (ms < HOUR_MS) return twoUnits(ms, [MINUTE_MS, "min"], [SECOND_MS, "s"]);
  if (ms < DAY_MS) return twoUnits(ms, [HOUR_MS, "h"], [MINUTE_MS, "min"]);
  return twoUnits(ms, [DAY_MS, "d"], [HOUR_MS, "h"]);
}

/** Local date and time to the second, as journalctl's short-iso writes it but without the zone. */
export function formatTime(wallMs: number): string {
  const time = new Date(wallMs);
  const date = [time.getFullYear(), time.getMonth() + 1, time.getDate()].map(twoDigits).join("-");
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(twoDigits).join(":");
  return `${date} ${clock}`;
}

/** Units of the potential: "0.0770". */
export function formatPotential(value: number): string {
  return value.toFixed(4);
}

/** "1 VM", "3 VMs". */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function shortNumber(value: number): string {
  return value < 10 ? value.toFixed(1).replace(/\.0$/, "") : String(Math.round(value));
}

function twoUnits(
  ms: number,
  [largeMs, large]: readonly [number, string],
  [smallMs, small]: readonly [number, string],
): string {
  const rest = Math.floor((ms % largeMs) / smallMs);
  return `${Math.floor(ms / largeMs)} ${large}${rest === 0 ? "" : ` ${rest} ${small}`}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
