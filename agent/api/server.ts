import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { AgentView } from "../ports/agent-view.ts";
import type { Log } from "../ports/log.ts";
import { ApiError } from "./api-error.ts";
import { type ApiLimits, defaultApiLimits } from "./api-limits.ts";
import { EventHub } from "./event-hub.ts";
import { groupIdOf } from "./group-id.ts";
import { listenOnSocket } from "./listen-on-socket.ts";
import { Responder } from "./responder.ts";

const OPERATOR_MODE = 0o600;
const READER_MODE = 0o660;

export interface ApiOptions {
  readonly paths: {
    /** All verbs; for the agent's own user only. */
    readonly socketPath: string;
    /** Reading only; for the group. */
    readonly readSocketPath: string;
  };
  readonly view: AgentView;
  readonly log: Log;
  /** Name or number of the group that may read; absent for the agent's own. */
  readonly group?: string;
  readonly limits?: Partial<ApiLimits>;
}

export interface Api {
  /** Ends every connection and removes the sockets. */
  stop(): Promise<void>;
}

/**
 * Opens the two local sockets. What every request goes through is here and in the responder, once;
 * what is answered is in the table of routes. Rejects with SocketError when a path cannot be had.
 */
export async function startApi(options: ApiOptions): Promise<Api> {
  const { paths, view, log, group } = options;
  const limits = { ...defaultApiLimits, ...options.limits };
  const groupId = group === undefined ? undefined : groupIdOf(group);
  const events = new EventHub(view, limits);
  const responderOf = (readOnly: boolean) => new Responder({ view, log, limits, events, readOnly });
  const operator = makeServer(responderOf(false), limits);
  const reader = makeServer(responderOf(true), limits);
  const stop = async () => {
    events.stop();
    await Promise.all([closeServer(operator), closeServer(reader)]);
  };
  try {
    await listenOnSocket(operator, { path: paths.socketPath, mode: OPERATOR_MODE });
    await listenOnSocket(reader, {
      path: paths.readSocketPath,
      mode: READER_MODE,
      ...(groupId === undefined ? {} : { groupId }),
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}

function makeServer(responder: Responder, limits: ApiLimits): Server {
  const server = createServer({
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headersWaitMs,
    requestTimeout: limits.requestWaitMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: limits.checkIntervalMs,
    // The guard answers a missing Host in its own words.
    requireHostHeader: false,
  });
  server.maxConnections = limits.connectionsMax;
  server.timeout = limits.idleWaitMs;
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    void responder.respond(request, response);
  });
  server.on("clientError", refuseClient);
  return server;
}

/** What the HTTP parser itself refuses: noise, huge headers, senders that take too long. */
function refuseClient(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const refusal = refusalOf(error.code);
  const body = JSON.stringify({ error: { code: refusal.code, message: refusal.message } });
  socket.end(
    `HTTP/1.1 ${refusal.status} Refused\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

function refusalOf(code: string | undefined): ApiError {
  if (code === "HPE_HEADER_OVERFLOW") {
    return new ApiError("HEADERS_TOO_LARGE", "the headers are too large");
  }
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return new ApiError("REQUEST_TIMEOUT", "the request did not come whole in time");
  }
  return new ApiError("BAD_REQUEST", "this is not HTTP");
}

function closeServer(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
