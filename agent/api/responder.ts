import type { IncomingMessage, ServerResponse } from "node:http";
import type { Verb } from "#lib/model/verb.ts";
import type { AgentView } from "../ports/agent-view.ts";
import type { Log } from "../ports/log.ts";
import { ApiError, BadRequestError } from "./api-error.ts";
import type { ApiLimits } from "./api-limits.ts";
import type { EventHub } from "./event-hub.ts";
import { guardRequest, readBody } from "./guard-request.ts";
import { renderMetrics } from "./render-metrics.ts";
import type { Route, RouteRequest } from "./route.ts";
import { findRoute } from "./routes.ts";

export interface ResponderOptions {
  readonly view: AgentView;
  readonly log: Log;
  readonly limits: ApiLimits;
  readonly events: EventHub;
  readonly readOnly: boolean;
}

/** Answers requests of one socket: guards, finds the route, and maps every error to a status. */
export class Responder {
  readonly #options: ResponderOptions;

  constructor(options: ResponderOptions) {
    this.#options = options;
  }

  /** Never rejects: whatever goes wrong with one request ends with that request. */
  async respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      guardRequest(request);
      const url = urlOf(request);
      const { route, name } = findRoute(request.method ?? "", url.pathname);
      if (route.kind === "verb" && this.#options.readOnly) throw readOnlyRefusal();
      const body =
        route.kind === "verb" ? await readBody(request, this.#options.limits.bodyBytesMax) : "";
      await this.#perform(route, { name, query: url.searchParams, body }, request, response);
    } catch (error) {
      this.#refuse(error, request, response);
    }
  }

  async #perform(
    route: Route,
    asked: RouteRequest,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { view, events } = this.#options;
    if (route.kind === "events") {
      return events.attach(response, firstEventWanted(asked.query, request, events.lastId));
    }
    if (route.kind === "metrics") {
      const { text, contentType } = await renderMetrics(view);
      response.writeHead(200, { "content-type": contentType });
      response.end(text);
      return;
    }
    const { status, body } = await this.#answer(route, asked);
    sendJson(response, status, body);
  }

  async #answer(
    route: Exclude<Route, { kind: "events" | "metrics" }>,
    asked: RouteRequest,
  ): Promise<{ status: number; body: unknown }> {
    const { view } = this.#options;
    const snapshot = view.snapshot();
    if (route.kind === "read") return { status: 200, body: route.render(snapshot, asked) };
    const verb = route.verb(snapshot, asked);
    if (route.kind === "verb") return this.#act(verb);
    const result = await view.ask(verb);
    if (result.status >= 300) return failure(result.status, result.message);
    return { status: 200, body: route.render(snapshot, parseData(result.data)) };
  }

  async #act(verb: Verb): Promise<{ status: number; body: unknown }> {
    const { view, log } = this.#options;
    log.write("info", `operator asks: ${verb.verb} ${objectOf(verb)}`, { verb: verb.verb });
    const result = await view.ask(verb);
    const level = result.status < 300 ? "info" : "warn";
    log.write(level, `operator was answered ${result.status}: ${result.message}`, {
      verb: verb.verb,
      status: result.status,
      moveId: result.moveId,
    });
    if (result.status >= 300) return failure(result.status, result.message);
    const { status, message, moveId } = result;
    return { status, body: { status, message, moveId, data: parseData(result.data) } };
  }

  #refuse(error: unknown, request: IncomingMessage, response: ServerResponse): void {
    if (!(error instanceof ApiError) && !isConnectionError(error)) {
      this.#options.log.write("error", `request ${request.method} ${request.url} failed`, {
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    }
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    // What is still to come of an unread body would be taken for the next request.
    if (!request.complete) response.setHeader("connection", "close");
    if (error instanceof ApiError) {
      sendJson(response, error.status, { error: { code: error.code, message: error.message } });
    } else {
      const message = "the agent could not answer: its log says why";
      sendJson(response, 500, { error: { code: "INTERNAL", message } });
    }
  }
}

function urlOf(request: IncomingMessage): URL {
  try {
    return new URL(request.url ?? "/", "http://localhost");
  } catch (error) {
    throw new BadRequestError("the request names no path", { cause: error });
  }
}

/** New events only, unless the reader says how many past ones or which it saw last. */
function firstEventWanted(
  query: URLSearchParams,
  request: IncomingMessage,
  lastId: number,
): number {
  const seen = Number(request.headers["last-event-id"] ?? Number.NaN);
  // An id from an earlier life of the agent says nothing about this one.
  if (Number.isInteger(seen) && seen >= 0 && seen <= lastId) return seen;
  const recent = Number(query.get("recent") ?? 0);
  return Number.isInteger(recent) && recent > 0 ? lastId - recent : lastId;
}

function failure(status: number, message: string) {
  const isError = Number.isInteger(status) && status >= 400 && status <= 599;
  return { status: isError ? status : 500, body: { error: { code: "REFUSED", message } } };
}

function objectOf(verb: Verb): string {
  if ("vm" in verb) return verb.vm;
  if ("host" in verb) return verb.host;
  if ("service" in verb) return verb.service;
  if (verb.verb === "shutdown") return "host";
  return "spec" in verb ? verb.spec.name : verb.mode;
}

function parseData(data: string | null): unknown {
  if (data === null) return null;
  try {
    return JSON.parse(data);
  } catch {
    // Another version's words: better shown as they are than hidden.
    return data;
  }
}

function isConnectionError(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ECONNRESET" || code === "ERR_STREAM_PREMATURE_CLOSE";
}

function readOnlyRefusal(): ApiError {
  return new ApiError(
    "READ_ONLY",
    "this socket is for reading: verbs go to the operator's, evenkeel.sock",
  );
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const text = `${JSON.stringify(value)}\n`;
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
  });
  response.end(text);
}
