import { request } from "node:http";
import { createInterface } from "node:readline";
import type { VmPolicy } from "#lib/model/vm-spec.ts";
import { type SocketAnswer, socketRequest } from "./socket-request.ts";

/** How long one answer may take before the agent counts as silent: longer than any verb's wait. */
const ANSWER_MS_MAX = 80_000;

export interface MemberAnswer {
  readonly name: string;
  readonly state: string;
  readonly host: string;
  readonly self: boolean;
  readonly keyed: boolean | null;
  readonly cpuShare: number | null;
  readonly cpuCapacityCores: number | null;
  readonly addresses: readonly string[];
}

export interface VmAnswer {
  readonly name: string;
  readonly host: string;
  readonly hostState: string;
  readonly state: string;
  readonly version: number;
  readonly policy: VmPolicy;
  readonly immovable: string | null;
  readonly moveId: string | null;
}

export interface MoveAnswer {
  readonly moveId: string;
  readonly vm: string;
  readonly role: "source" | "target";
  readonly phase: string;
  readonly inDoubt: boolean;
}

export interface StatusAnswer {
  readonly name: string;
  readonly host: string;
  readonly keyed: boolean;
  readonly mode: "act" | "hold";
  readonly members: readonly MemberAnswer[];
  readonly moves: readonly MoveAnswer[];
  readonly alarms: readonly { readonly code: string; readonly message: string }[];
}

export interface OutcomeAnswer {
  readonly moveId: string;
  readonly vm: string;
  readonly from: string;
  readonly to: string;
  readonly result: string;
  readonly downtimeMs: number | null;
  /** Why it ended so; empty when moved. */
  readonly detail: string;
}

export interface NoticeEvent {
  readonly at: string;
  readonly level: string;
  readonly code: string;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** An answer that was no success: its status and the agent's own words. */
export class AnswerError extends Error {
  readonly status: number;

  constructor(path: string, answer: SocketAnswer) {
    super(`${path}: ${answer.status} ${answer.text.trim()}`);
    this.status = answer.status;
  }
}

/** Talks to one agent over a socket of its own, as any script would. */
export class AgentApi {
  readonly socketPath: string;

  constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  /** The raw answer, whatever its status. */
  ask(path: string, body?: unknown, method?: string): Promise<SocketAnswer> {
    const text = typeof body === "string" ? body : JSON.stringify(body ?? {});
    const asked = socketRequest(this.socketPath, path, {
      ...(method === undefined ? {} : { method }),
      ...(body === undefined ? {} : { body: text }),
    });
    return withinLimit(asked, `${this.socketPath}${path}`);
  }

  /** The JSON of a good answer. Throws AnswerError for any other. */
  async get<Value>(path: string): Promise<Value> {
    return this.#good<Value>(path, await this.ask(path));
  }

  async post<Value = unknown>(path: string, body: unknown = {}): Promise<Value> {
    return this.#good<Value>(path, await this.ask(path, body));
  }

  status(): Promise<StatusAnswer> {
    return this.get("/v1/status");
  }

  async members(): Promise<readonly MemberAnswer[]> {
    return (await this.get<{ members: MemberAnswer[] }>("/v1/members")).members;
  }

  async vms(): Promise<readonly VmAnswer[]> {
    return (await this.get<{ vms: VmAnswer[] }>("/v1/vms")).vms;
  }

  async history(): Promise<readonly OutcomeAnswer[]> {
    return (await this.get<{ history: OutcomeAnswer[] }>("/v1/history")).history;
  }

  /** One figure of the page for Prometheus, all its label sets summed up. */
  async metric(name: string, label = ""): Promise<number> {
    const { text } = await this.ask("/metrics");
    return text
      .split("\n")
      .filter((line) => line.startsWith(name) && line.includes(label))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  }

  /** Calls `heard` with every notice until the returned function is called or the agent ends. */
  async follow(heard: (notice: NoticeEvent) => void): Promise<() => void> {
    const { socketPath } = this;
    return new Promise((resolve, reject) => {
      const sent = request({ socketPath, path: "/v1/events", agent: false }, (response) => {
        const lines = createInterface({ input: response });
        lines.on("line", (line) => {
          if (line.startsWith("data: ")) heard(JSON.parse(line.slice(6)));
        });
        // An agent that is killed in the middle breaks its streams.
        lines.on("error", () => undefined);
        response.on("error", () => undefined);
        resolve(() => sent.destroy());
      });
      sent.on("error", reject);
      sent.end();
    });
  }

  #good<Value>(path: string, answer: SocketAnswer): Value {
    if (answer.status >= 300 || answer.json === undefined) throw new AnswerError(path, answer);
    return answer.json as Value;
  }
}

async function withinLimit<Value>(work: Promise<Value>, what: string): Promise<Value> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => limit.reject(new Error(`no answer within ${ANSWER_MS_MAX} ms: ${what}`)),
    ANSWER_MS_MAX,
  );
  try {
    return await Promise.race([work, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}
