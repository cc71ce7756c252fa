import type { EventAnswer } from "./answers.ts";
import { exitCodes } from "./cli-error.ts";
import type { Palette, Tone } from "./palette.ts";
import { formatTime } from "./units.ts";
import type { VerbRunner } from "./verb-context.ts";

const TONES: Readonly<Record<EventAnswer["level"], Tone | null>> = {
  debug: "dim",
  info: null,
  warn: "warn",
  error: "bad",
};

/** `evenkeel events`: what happens, as it happens, until ^C. With --json one object a line. */
export const events: VerbRunner = async (context, { options }) => {
  const { io, client, palette, json } = context;
  const controller = new AbortController();
  const stop = io.onInterrupt(() => controller.abort());
  const taken = (event: EventAnswer) =>
    io.out(json ? JSON.stringify(event) : eventLine(event, palette));
  try {
    const recent = encodeURIComponent(String(options["recent"] ?? 0));
    await client.follow<EventAnswer>(`/v1/events?recent=${recent}`, taken, controller.signal);
  } finally {
    stop();
  }
  return exitCodes.ok;
};

function eventLine({ at, code, level, message }: EventAnswer, palette: Palette): string {
  const time = palette("dim", formatTime(Date.parse(at)));
  return `${time}  ${palette(TONES[level] ?? null, code)}  ${message}`;
}
