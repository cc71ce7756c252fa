/**
 * Keeps this host's switch in line with what the services want of it.
 *
 * It looks, plans what to change (lib/services/switch-plan.ts) and changes it: at once when other
 * servers are wanted, else once a second, less often while the switch fails. A failure is logged
 * once and tried again; it never reaches the caller.
 *
 * It never touches a backend that was not named to it, or a server that no agent put there.
 */
import { AgentError } from "#lib/base/errors.ts";
import type { BackendView, Leftovers, SwitchCommand, WantedBackend } from "#lib/model/switch.ts";
import { isOwnServer, isSpared, planSwitch } from "#lib/services/switch-plan.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Switch } from "../ports/switch.ts";
import { backendObjection } from "./command-text.ts";
import { ToldProblems } from "./told-problems.ts";
import { UnwantedWatch } from "./unwanted-watch.ts";
import { mergedWishes } from "./wishes.ts";

/** Between two looks; also how late a restarted switch is noticed. */
const LOOK_INTERVAL_MS = 1_000;
/** Longest wait after failures: a try costs next to nothing, and requests fail until one succeeds. */
const RETRY_INTERVAL_MS_MAX = 2_000;
/** The failures after which no other server has a chance in this look. */
const SWITCH_FAILURES = ["SWITCH_ABSENT", "SWITCH_REFUSED", "SWITCH_SILENT", "ABORTED"];

export interface KeeperState {
  /** For people: where the switch is reached. */
  readonly place: string;
  /** Wall clock, ms since 1970; null while something differs or is not known. */
  readonly inLineSinceMs: number | null;
  /** What the last look failed on, one line; null when on nothing. */
  readonly problem: string | null;
  /** The latest problem there was, also when it is over; ms since 1970. */
  readonly lastProblem: { readonly words: string; readonly atMs: number } | null;
  /** The wanted backends as last seen, the latest changes included. */
  readonly views: readonly BackendView[];
}

export interface SwitchKeeperOptions {
  readonly switch: Switch;
  readonly clock: Clock;
  readonly log: Log;
  /** Told after every look, whether anything has changed or not. */
  readonly told?: (state: KeeperState) => void;
  /** How long an own server that nobody wants may keep its sessions. */
  readonly overdueMs?: number;
}

export class SwitchKeeper {
  readonly #options: SwitchKeeperOptions;
  readonly #problems: ToldProblems;
  readonly #unwanted: UnwantedWatch;
  readonly #stopped = new AbortController();
  #wanted: readonly WantedBackend[] = [];
  /** The backends that are still asked for; the others of `#wanted` are only being cleared. */
  #named: ReadonlySet<string> = new Set();
  /** Those that have been asked for and are not cleared yet. */
  readonly #managed = new Set<string>();
  /** What was asked for and can never be, one line each. */
  #objections: readonly string[] = [];
  #leftovers: Leftovers = { left: [], cleared: [] };
  /** Backends that nobody names have not been looked through for leftovers yet. */
  #mustSweep = false;
  #views: readonly BackendView[] = [];
  #inLineSinceMs: number | null = null;
  #failures = 0;
  #forgetTimer: () => void = () => {};
  #current: Promise<KeeperState> | undefined;
  #next: Promise<KeeperState> | undefined;

  constructor(options: SwitchKeeperOptions) {
    this.#options = options;
    this.#problems = new ToldProblems(options.log, options.clock);
    this.#unwanted = new UnwantedWatch(options.clock, options.overdueMs);
  }

  get state(): KeeperState {
    const { problem, last } = this.#problems;
    const { place } = this.#options.switch;
    const inLineSinceMs = this.#inLineSinceMs;
    return { place, inLineSinceMs, problem, lastProblem: last, views: this.#views };
  }

  /**
   * From now on exactly these servers are wanted; a backend that is left out loses all of ours that
   * `leftovers` does not spare, also those of an earlier life. Looks at once unless it is what was
   * wanted before. To be called only once the host knows the services: what it does not name is
   * taken away.
   */
  want(backends: readonly WantedBackend[], leftovers = this.#leftovers): void {
    const sound = backends.filter(({ backend }) => backendObjection(backend) === undefined);
    const objections = backends.flatMap(({ backend }) => backendObjection(backend) ?? []);
    this.#objections = objections.map((words) => `${this.#options.switch.place}: ${words}`);
    this.#named = new Set(sound.map(({ backend }) => backend));
    for (const backend of this.#named) this.#managed.add(backend);
    if (JSON.stringify(leftovers) !== JSON.stringify(this.#leftovers)) {
      this.#leftovers = leftovers;
      this.#mustSweep = true;
    }
    const wanted = mergedWishes(sound, this.#wanted);
    if (!this.#mustSweep && JSON.stringify(wanted) === JSON.stringify(this.#wanted)) return;
    this.#wanted = wanted;
    this.#inLineSinceMs = null;
    void this.look();
  }

  /** Resolves after a look that began after this call. */
  look(): Promise<KeeperState> {
    if (this.#next !== undefined) return this.#next;
    if (this.#current === undefined) return this.#begin();
    this.#next = this.#current.then(() => this.#begin());
    return this.#next;
  }

  /** Leaves the switch as it is. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#forgetTimer();
    await (this.#next ?? this.#current);
  }

  #begin(): Promise<KeeperState> {
    this.#next = undefined;
    this.#forgetTimer();
    if (this.#stopped.signal.aborted) return Promise.resolve(this.state);
    this.#current = this.#round().finally(() => {
      this.#current = undefined;
      this.#plan();
    });
    return this.#current;
  }

  /** When to look again without being asked. */
  #plan(): void {
    if (this.#stopped.signal.aborted || (this.#wanted.length === 0 && !this.#mustSweep)) return;
    const failed = Math.min(this.#failures, 16);
    const delayMs = LOOK_INTERVAL_MS * 2 ** Math.max(failed - 1, 0);
    this.#forgetTimer = this.#options.clock.after(Math.min(delayMs, RETRY_INTERVAL_MS_MAX), () => {
      void this.look();
    });
  }

  async #round(): Promise<KeeperState> {
    let wanted = this.#wanted;
    let problems: string[];
    try {
      if (this.#mustSweep) await this.#sweep();
      wanted = this.#wanted;
      problems = await this.#bringInLine(wanted);
    } catch (error) {
      problems = [wordsOf(error)];
    }
    if (this.#stopped.signal.aborted) return this.state;
    this.#failures = problems.length === 0 ? 0 : this.#failures + 1;
    this.#problems.note([...problems, ...this.#objections]);
    if (wanted === this.#wanted) this.#judge(problems.length === 0);
    this.#options.told?.(this.state);
    return this.state;
  }

  async #bringInLine(wanted: readonly WantedBackend[]): Promise<string[]> {
    const before = await this.#observe(wanted);
    const { done, problems } = await this.#perform(this.#commands(wanted, before), wanted);
    this.#views = done === 0 ? before : await this.#observe(wanted);
    for (const [index, { exists, backend }] of this.#views.entries()) {
      if (exists || wanted[index]?.servers.length === 0) continue;
      const remedy = "add a `backend` section of this name to haproxy.cfg";
      problems.push(`${this.#options.switch.place}: backend ${backend} does not exist: ${remedy}`);
    }
    return problems;
  }

  /** Wants those backends empty that have servers of ours and that nobody names. */
  async #sweep(): Promise<void> {
    this.#mustSweep = false;
    let found: readonly string[];
    try {
      found = await this.#options.switch.ownBackends(this.#stopped.signal);
    } catch (error) {
      this.#mustSweep = true;
      throw error;
    }
    const sound = found.filter((backend) => backendObjection(backend) === undefined);
    const empty = sound.map((backend) => ({ backend, servers: [] }));
    this.#wanted = mergedWishes(this.#wanted, empty);
  }

  async #observe(wanted: readonly WantedBackend[]): Promise<readonly BackendView[]> {
    const names = wanted.map(({ backend }) => backend);
    const seen = await this.#options.switch.observe(names, this.#stopped.signal);
    const views = seen.map((view) => ({
      ...view,
      servers: view.servers.filter(({ name }) => {
        return (
          !isOwnServer(name) || !isSpared(name, this.#managed.has(view.backend), this.#leftovers)
        );
      }),
    }));
    this.#unwanted.look(wanted, views);
    return views;
  }

  #commands(wanted: readonly WantedBackend[], views: readonly BackendView[]): SwitchCommand[] {
    return wanted.flatMap((wish, index) => {
      const view = views[index];
      return view ? planSwitch(wish, view, this.#unwanted.overdue(wish.backend)) : [];
    });
  }

  /** Performs all that can be performed; a server that fails keeps no other one waiting. */
  async #perform(commands: readonly SwitchCommand[], wanted: readonly WantedBackend[]) {
    const problems: string[] = [];
    const failed = new Set<string>();
    let done = 0;
    for (const command of commands) {
      // What is wanted now is planned anew, and at once.
      if (wanted !== this.#wanted) break;
      const server = `${command.backend}/${command.server}`;
      if (failed.has(server)) continue;
      try {
        await this.#options.switch.perform(command, this.#stopped.signal);
        done += 1;
      } catch (error) {
        const words = wordsOf(error);
        const { code } = error as AgentError;
        if (SWITCH_FAILURES.includes(code)) throw error;
        failed.add(server);
        if (!isPassing(code)) problems.push(words);
      }
    }
    return { done, problems };
  }

  /** Whether all is as wanted, and which backends need no more care. */
  #judge(isSound: boolean): void {
    const isInLine = isSound && this.#commands(this.#wanted, this.#views).length === 0;
    if (!isInLine) this.#inLineSinceMs = null;
    else this.#inLineSinceMs ??= this.#options.clock.wallMs();
    if (!isSound) return;
    const kept = this.#wanted.filter(({ backend }, index) => {
      const servers = this.#views[index]?.servers ?? [];
      return this.#named.has(backend) || servers.some(({ name }) => isOwnServer(name));
    });
    if (kept.length === this.#wanted.length) return;
    this.#wanted = kept;
    for (const backend of this.#managed) {
      if (!kept.some((wish) => wish.backend === backend)) this.#managed.delete(backend);
    }
  }
}

/** A server that is busy, gone or there already is looked at again soon; nobody need mend it. */
function isPassing(code: string): boolean {
  return ["SERVER_BUSY", "SERVER_ABSENT", "SERVER_EXISTS"].includes(code);
}

/** The one line of an operating error; anything else is a bug and thrown on. */
function wordsOf(error: unknown): string {
  if (error instanceof AgentError) return error.message;
  throw error;
}
