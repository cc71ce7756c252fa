import { execFile } from "node:child_process";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";

/** A `systemd-notify` that hangs must not pile up behind it, nor hold up the stop. */
const CHILD_MS_MAX = 5000;
/** Status lines that wait for the child before them; older ones are worth nothing. */
const WAITING_MAX = 8;
const US_PER_MS = 1000;

export interface SdNotifyOptions {
  /** $NOTIFY_SOCKET; undefined when the agent does not run under systemd: then nothing is sent. */
  readonly socket: string | undefined;
  /** $WATCHDOG_USEC for this process; undefined for no watchdog. */
  readonly watchdogUs: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Program that sends; Node has no UNIX datagram sockets (hence NotifyAccess=all in the unit). */
  readonly command?: string;
}

/**
 * Tells systemd how the agent is (sd_notify(3)). One child at a time; a failure is logged once and
 * changes nothing: should systemd miss the watchdog, it restarts the agent, which guests survive.
 */
export class SdNotify {
  readonly #options: SdNotifyOptions;
  #waiting: string[] = [];
  #running: Promise<void> | undefined;
  #lastAliveMs: number | undefined;
  #failed = false;

  constructor(options: SdNotifyOptions) {
    this.#options = options;
  }

  /**
   * From systemd's environment variables, which are then removed: guests and other children must
   * not be able to speak for the agent.
   */
  static fromEnvironment(parts: { clock: Clock; log: Log }): SdNotify {
    const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = process.env;
    for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) delete process.env[name];
    const forUs = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid;
    const watchdogUs = forUs && Number(WATCHDOG_USEC) > 0 ? Number(WATCHDOG_USEC) : undefined;
    return new SdNotify({ ...parts, socket: NOTIFY_SOCKET || undefined, watchdogUs });
  }

  /** The API answers: systemd may start what waits for the agent. */
  ready(status: string): Promise<void> {
    return this.#send(["READY=1", `STATUS=${oneLine(status)}`]);
  }

  /** One line for `systemctl status`. */
  status(status: string): Promise<void> {
    return this.#send([`STATUS=${oneLine(status)}`]);
  }

  /** The agent ends because it was asked to. */
  stopping(): Promise<void> {
    return this.#send(["STOPPING=1"]);
  }

  /**
   * Call from the runtime's loop as often as it turns. Feeds the watchdog at half its time, so a
   * loop that is stuck gets the agent restarted.
   */
  alive(): void {
    const { watchdogUs, clock } = this.#options;
    if (watchdogUs === undefined) return;
    const nowMs = clock.nowMs();
    const halfMs = watchdogUs / US_PER_MS / 2;
    if (this.#lastAliveMs !== undefined && nowMs - this.#lastAliveMs < halfMs) return;
    this.#lastAliveMs = nowMs;
    void this.#send(["WATCHDOG=1"]);
  }

  /** Longest that the loop may sleep for the watchdog's sake, in ms; undefined without one. */
  get aliveIntervalMs(): number | undefined {
    const { watchdogUs } = this.#options;
    return watchdogUs === undefined ? undefined : watchdogUs / US_PER_MS / 2;
  }

  /** Resolves, never rejects, when these lines and those before them are sent or given up. */
  #send(lines: readonly string[]): Promise<void> {
    if (this.#options.socket === undefined) return Promise.resolve();
    this.#waiting = [...this.#waiting, ...lines].slice(-WAITING_MAX);
    this.#running ??= this.#drain();
    return this.#running;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      await this.#runChild(lines);
    }
    this.#running = undefined;
  }

  #runChild(lines: readonly string[]): Promise<void> {
    const { command = "systemd-notify", socket, log } = this.#options;
    const env = { NOTIFY_SOCKET: socket, PATH: process.env["PATH"] };
    return new Promise((resolve) => {
      execFile(command, lines, { env, timeout: CHILD_MS_MAX, killSignal: "SIGKILL" }, (error) => {
        if (error && !this.#failed) {
          this.#failed = true;
          log.write("warn", `${command} failed: systemd is not told how the agent is`, { error });
        }
        resolve();
      });
    });
  }
}

function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, " ").slice(0, 200);
}
