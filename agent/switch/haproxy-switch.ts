import { sortedBy } from "#lib/base/ordered.ts";
import { type BackendView, type SwitchCommand, switchLimits } from "#lib/model/switch.ts";
import { isOwnServer } from "#lib/services/switch-plan.ts";
import type { Clock } from "../ports/clock.ts";
import type { Switch } from "../ports/switch.ts";
import { AnswerFault } from "./answer-fault.ts";
import { backendObjection, commandLines, commandObjection } from "./command-text.ts";
import { HaproxySocket } from "./haproxy-socket.ts";
import { parseServersState, type ServerStateLine } from "./parse-servers-state.ts";
import { parseStatCsv, type StatLine } from "./parse-stat-csv.ts";
import { refusalOf } from "./refusal.ts";
import { SwitchError } from "./switch-error.ts";

/** What `show stat` shall show: backends (2) and servers (4), no frontends (1). */
const STAT_TYPES = 2 + 4;

const absentPattern = /^(No such proxy|Can't find backend)/;

/** What HAProxy answers when it has done as it was told. */
const CONFIRMATIONS: Readonly<Record<SwitchCommand["act"], RegExp>> = {
  add: /^New server registered\.$/,
  address: /by 'stats socket command'$/,
  weight: /^$/,
  connections: /^$/,
  ready: /^$/,
  drain: /^$/,
  maint: /^$/,
  remove: /^Server deleted\.$/,
};

const nothing = { sessions: 0, queued: 0, connectionsMax: null } as const;

export interface HaproxySwitchOptions {
  /** Of `stats socket … level admin`. */
  readonly socketPath: string;
  readonly clock: Clock;
  readonly answerTimeoutMs?: number;
  readonly answerBytesMax?: number;
}

/** HAProxy 2.5 or later, through the runtime API at its admin socket. */
export class HaproxySwitch implements Switch {
  readonly place: string;
  readonly #socket: HaproxySocket;

  constructor({ socketPath, ...rest }: HaproxySwitchOptions) {
    this.#socket = new HaproxySocket({ path: socketPath, ...rest });
    this.place = `HAProxy socket ${socketPath}`;
  }

  async observe(backends: readonly string[], signal: AbortSignal): Promise<BackendView[]> {
    if (backends.length === 0) return [];
    for (const backend of backends) {
      const objection = backendObjection(backend);
      if (objection) throw this.#badCommand(objection);
    }
    // All at once: two questions, however many services there are.
    const only = backends.length === 1 ? backends[0] : undefined;
    const stat = await this.#show(`show stat ${only ?? "-1"} ${STAT_TYPES} -1`, {
      read: parseStatCsv,
      signal,
    });
    const state = await this.#show(`show servers state${only ? ` ${only}` : ""}`, {
      read: parseServersState,
      signal,
    });
    return backends.map((backend) => this.#viewOf(backend, stat, state));
  }

  async ownBackends(signal: AbortSignal): Promise<string[]> {
    const state = await this.#show("show servers state", { read: parseServersState, signal });
    const own = state.filter(({ name }) => isOwnServer(name));
    return [...new Set(own.map(({ backend }) => backend))].sort();
  }

  async perform(command: SwitchCommand, signal: AbortSignal): Promise<void> {
    const where = `backend ${command.backend}, server ${command.server}`;
    const objection = commandObjection(command);
    if (objection) throw this.#badCommand(objection);
    for (const line of commandLines(command)) {
      const answer = (await this.#socket.ask(line, signal)).trim();
      if (CONFIRMATIONS[command.act].test(answer)) continue;
      const { code, words } = refusalOf(answer);
      throw new SwitchError(`${this.place}: ${where}: ${command.act}: ${words}`, { code });
    }
  }

  async #show<Line>(
    question: string,
    { read, signal }: { read: (answer: string) => Line[]; signal: AbortSignal },
  ): Promise<Line[]> {
    const answer = await this.#socket.ask(question, signal);
    if (absentPattern.test(answer)) return [];
    try {
      return read(answer);
    } catch (cause) {
      if (!(cause instanceof AnswerFault)) throw cause;
      const { code, words } = refusalOf(answer);
      const isKnown = code !== "COMMAND_FAILED";
      const why = isKnown ? words : `not the answer that HAProxy gives: ${cause.message}`;
      throw new SwitchError(`${this.place}: ${question}: ${why}`, {
        code: isKnown ? code : "SWITCH_ANSWER",
        cause,
      });
    }
  }

  #viewOf(
    backend: string,
    stat: readonly StatLine[],
    state: readonly ServerStateLine[],
  ): BackendView {
    const counts = new Map(
      stat.filter((line) => line.backend === backend).map((line) => [line.server, line]),
    );
    const whole = counts.get(null);
    if (whole === undefined) return { backend, exists: false, queued: 0, servers: [] };
    const lines = state.filter((line) => line.backend === backend);
    if (lines.length > switchLimits.serversMax) {
      const words = `backend ${backend} has ${lines.length} servers, ${switchLimits.serversMax} are the most`;
      throw new SwitchError(`${this.place}: ${words}`, { code: "SWITCH_ANSWER" });
    }
    const servers = lines.map(({ backend: _, ...server }) => {
      const line = counts.get(server.name);
      // One that was added between the two answers has had no time for sessions.
      const { sessions, queued, connectionsMax } = line ?? nothing;
      return { ...server, connectionsMax, sessions, queued };
    });
    return {
      backend,
      exists: true,
      queued: servers.reduce((sum, { queued }) => sum + queued, whole.queued),
      servers: sortedBy(servers, ({ name }) => name),
    };
  }

  #badCommand(objection: string): SwitchError {
    return new SwitchError(`${this.place}: ${objection}`, { code: "BAD_COMMAND" });
  }
}
