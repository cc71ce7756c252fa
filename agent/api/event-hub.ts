import type { ServerResponse } from "node:http";
import type { Notice } from "#lib/core/effects.ts";
import type { AgentView } from "../ports/agent-view.ts";
import { ApiError } from "./api-error.ts";
import type { ApiLimits } from "./api-limits.ts";

/**
 * The stream of notices, as server-sent events (WHATWG HTML, 9.2). A reader that does not keep up
 * is cut: it can come back with `Last-Event-ID` and gets what is still kept.
 */
export class EventHub {
  readonly #limits: ApiLimits;
  readonly #readers = new Set<ServerResponse>();
  readonly #kept: { readonly id: number; readonly text: string }[] = [];
  readonly #stopListening: () => void;
  readonly #heartbeat: NodeJS.Timeout;
  #lastId = 0;

  constructor(view: AgentView, limits: ApiLimits) {
    this.#limits = limits;
    this.#stopListening = view.onNotice((notice, wallMs) => this.#publish(notice, wallMs));
    this.#heartbeat = setInterval(() => this.#sendToAll(": alive\n\n"), limits.eventHeartbeatMs);
    this.#heartbeat.unref();
  }

  /**
   * Sends the kept events after `sinceId`, then every new one until the reader goes. Throws ApiError
   * BUSY when there are too many readers.
   */
  attach(response: ServerResponse, sinceId: number): void {
    if (this.#readers.size >= this.#limits.eventReadersMax) {
      throw new ApiError("BUSY", `${this.#readers.size} readers follow the events already`);
    }
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    this.#readers.add(response);
    response.once("close", () => this.#readers.delete(response));
    // Error events of a broken connection come with `close`, which does all there is to do.
    response.on("error", () => undefined);
    const missed = this.#kept.filter(({ id }) => id > sinceId).map(({ text }) => text);
    this.#send(response, `: evenkeel events\n\n${missed.join("")}`);
  }

  get lastId(): number {
    return this.#lastId;
  }

  stop(): void {
    this.#stopListening();
    clearInterval(this.#heartbeat);
    for (const reader of this.#readers) reader.end();
    this.#readers.clear();
  }

  #publish(notice: Notice, wallMs: number): void {
    if (notice.level === "debug") return;
    this.#lastId += 1;
    const data = JSON.stringify({ at: new Date(wallMs).toISOString(), ...notice });
    const text = `id: ${this.#lastId}\nevent: notice\ndata: ${data}\n\n`;
    this.#kept.push({ id: this.#lastId, text });
    if (this.#kept.length > this.#limits.eventsKeptMax) this.#kept.shift();
    this.#sendToAll(text);
  }

  #sendToAll(text: string): void {
    for (const reader of this.#readers) this.#send(reader, text);
  }

  #send(reader: ServerResponse, text: string): void {
    reader.write(text);
    if (reader.writableLength > this.#limits.eventQueueBytesMax) reader.destroy();
  }
}
