import type { Clock } from "../ports/clock.ts";
import { HealthError } from "./health-error.ts";
import {
  type HealthAnswer,
  type HealthRequestOptions,
  type HealthTarget,
  requestHealth,
} from "./health-request.ts";

/** From the start of one try to the start of the next, unless the answer takes longer. */
const TRY_INTERVAL_MS = 10;
/**
 * The first try gets no longer than this: a packet that was lost while the guest was not there yet
 * is repeated by TCP after a second only, a new connection finds the guest at once.
 */
const FIRST_LIMIT_MS = 40;
/**
 * Each try that used up its time gives the next so much more: a member that is well but slow is heard
 * by the third try or the fourth. A guest may go on working for a try that was cut short, so there
 * must be few of them.
 */
const LIMIT_GROWTH = 4;
/** Rest after a try that had all its time, as a share of it: the guest gets done what it began. */
const REST_SHARE = 0.5;

export interface HealthProbeOptions {
  readonly clock: Clock;
  /** For one answer; the first tries get less. */
  readonly timeoutMs: number;
  /** The member must be healthy within this time from the call. */
  readonly withinMs: number;
  /** One try; for tests. */
  readonly ask?: (target: HealthTarget, options: HealthRequestOptions) => Promise<HealthAnswer>;
}

/**
 * Asks a member for its health again and again, one connection at a time, until it is well.
 * Resolves with how long that took, ms. Rejects with HealthError, which has the last answer.
 */
export async function awaitHealthy(
  target: HealthTarget,
  options: HealthProbeOptions,
  signal: AbortSignal,
): Promise<{ tookMs: number; tries: number }> {
  const { clock, timeoutMs, withinMs, ask = requestHealth } = options;
  checkTarget(target);
  const startMs = clock.nowMs();
  let limitMs = Math.min(FIRST_LIMIT_MS, timeoutMs);
  let last = "none";
  for (let tries = 1; ; tries += 1) {
    const triedMs = clock.nowMs();
    const leftMs = startMs + withinMs - triedMs;
    if (signal.aborted) throw aborted(target);
    if (leftMs <= 0) throw unhealthy(target, `${tries - 1} tries in ${withinMs} ms`, last);
    const answer = await ask(target, { clock, limitMs: Math.min(limitMs, leftMs), signal });
    const nowMs = clock.nowMs();
    if (answer.isHealthy) return { tookMs: nowMs - startMs, tries };
    // A last try that merely had no time left says less than the one before it.
    if (!(answer.isLate && leftMs < limitMs) || tries === 1) last = answer.words;
    const restMs = restAfter(answer, limitMs, timeoutMs);
    if (answer.isLate) limitMs = Math.min(limitMs * LIMIT_GROWTH, timeoutMs);
    await pause(clock, Math.max(restMs, triedMs + TRY_INTERVAL_MS - nowMs), signal);
  }
}

/** Asks once. Rejects with HealthError, which has the answer, unless that is a good one. */
export async function askHealth(
  target: HealthTarget,
  { clock, timeoutMs, ask = requestHealth }: Omit<HealthProbeOptions, "withinMs">,
  signal: AbortSignal,
): Promise<void> {
  checkTarget(target);
  const answer = await ask(target, { clock, limitMs: timeoutMs, signal });
  if (signal.aborted) throw aborted(target);
  if (!answer.isHealthy) throw unhealthy(target, "one question", answer.words);
}

function restAfter({ isLate }: HealthAnswer, limitMs: number, timeoutMs: number): number {
  return isLate && limitMs >= timeoutMs ? timeoutMs * REST_SHARE : 0;
}

function checkTarget({ address, port, path }: HealthTarget): void {
  const isPort = Number.isInteger(port) && port > 0 && port < 65_536;
  if (isPort && address !== "" && /^\/[\x21-\x7e]*$/.test(path)) return;
  const words = `"${address}", port ${port}, path "${path.slice(0, 80)}"`;
  throw new HealthError(
    `health of a member at ${words}: cannot be asked there; correct the service`,
    { code: "BAD_TARGET" },
  );
}

function unhealthy(target: HealthTarget, effort: string, last: string): HealthError {
  return new HealthError(
    `health of the member at ${shown(target)}: not well after ${effort}; its last answer: ${last}`,
    { code: "MEMBER_UNHEALTHY" },
  );
}

function aborted(target: HealthTarget): HealthError {
  return new HealthError(`health of the member at ${shown(target)}: given up`, { code: "ABORTED" });
}

function shown({ address, port, path }: HealthTarget): string {
  return address.includes(":") ? `[${address}]:${port}${path}` : `${address}:${port}${path}`;
}

/** Waits, or not at all once `signal` is aborted. */
function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (delayMs <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      forget();
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const forget = clock.after(delayMs, finish);
    signal.addEventListener("abort", finish, { once: true });
  });
}
