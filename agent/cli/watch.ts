import { type ExitCode, exitCodes, UnreachableError } from "./cli-error.ts";
import { printJson, type VerbContext } from "./verb-context.ts";

const POLL_MS = 1_000;
/** A small guest's move is over within a second or two: who waits for it should not wait for us. */
const SOON_MS = 100;

/** An agent that restarts is back within this; then waiting makes no more sense. */
const UNREACHABLE_POLLS_MAX = 20;

export interface WatchStep {
  /** The state in one line, rewritten on a terminal. */
  readonly line: string;
  /** Elsewhere a line is printed when this changes. */
  readonly phase: string;
  readonly end: WatchEnd | null;
  /** The agent asked takes part itself, and knows the end as soon as it is there. */
  readonly isNear?: boolean;
}

export interface WatchEnd {
  readonly ok: boolean;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface WatchOptions {
  readonly poll: () => Promise<WatchStep>;
  /** What goes on when the watcher leaves, and how to see or stop it. */
  readonly goesOn: string;
  /** Ms to wait at most; null for as long as it takes. */
  readonly deadlineMs: number | null;
}

type Outcome = WatchEnd | "interrupted" | "deadline";

/** Shows how something goes until it ends, the deadline passes, or ^C: which only ends the watching. */
export async function watch(context: VerbContext, options: WatchOptions): Promise<ExitCode> {
  const { io, json } = context;
  const interrupt = Promise.withResolvers<"interrupted">();
  const stop = io.onInterrupt(() => interrupt.resolve("interrupted"));
  try {
    const outcome = await pollUntilEnd(context, options, interrupt.promise);
    if (io.live && !json) io.rewrite("");
    return report(context, options, outcome);
  } finally {
    stop();
  }
}

async function pollUntilEnd(
  { io, json }: VerbContext,
  options: WatchOptions,
  interrupted: Promise<"interrupted">,
): Promise<Outcome> {
  const endMs = io.nowMs() + (options.deadlineMs ?? Number.POSITIVE_INFINITY);
  const show = (step: WatchStep, phase: string) => {
    if (json) return;
    if (io.live) io.rewrite(step.line);
    else if (step.phase !== phase) io.out(step.line);
  };
  let phase = "";
  let failures = 0;
  while (true) {
    const step = await Promise.race([pollOnce(options), interrupted]);
    if (step === "interrupted") return step;
    if (step instanceof UnreachableError) {
      failures += 1;
      if (failures > UNREACHABLE_POLLS_MAX) throw step;
    } else {
      failures = 0;
      if (step.end !== null) return step.end;
      show(step, phase);
      phase = step.phase;
    }
    if (io.nowMs() >= endMs) return "deadline";
    const woken = await Promise.race([io.wait(pauseMs(step)), interrupted]);
    if (woken === "interrupted") return woken;
  }
}

function pauseMs(step: WatchStep | UnreachableError): number {
  return "isNear" in step && step.isNear === true ? SOON_MS : POLL_MS;
}

async function pollOnce({ poll }: WatchOptions): Promise<WatchStep | UnreachableError> {
  try {
    return await poll();
  } catch (error) {
    if (error instanceof UnreachableError) return error;
    throw error;
  }
}

function report(context: VerbContext, options: WatchOptions, outcome: Outcome): ExitCode {
  const end: WatchEnd =
    typeof outcome === "object"
      ? outcome
      : { ok: false, message: leavingWords(outcome, options), facts: { goesOn: true } };
  if (context.json) printJson(context, { ok: end.ok, message: end.message, ...end.facts });
  else if (end.ok) context.io.out(end.message);
  else context.io.err(`evenkeel: ${end.message}`);
  return end.ok ? exitCodes.ok : exitCodes.failed;
}

function leavingWords(outcome: "interrupted" | "deadline", { goesOn }: WatchOptions): string {
  return outcome === "interrupted" ? goesOn : `not done within the deadline; ${goesOn}`;
}
