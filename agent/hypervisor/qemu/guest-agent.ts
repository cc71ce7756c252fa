/**
 * Talks to the agent inside a guest: QEMU's guest agent protocol, JSON lines over a virtio-serial
 * port (qga/qapi-schema.json, docs/interop/qemu-ga.rst).
 *
 * Responsible for: one short conversation. How: first guest-sync-delimited, whose answer shows that
 * somebody listens and that all older answers are through; then one order at a time.
 * Never: trusts a byte of an answer, or waits without a bound.
 */
import { randomInt } from "node:crypto";
import { connect, type Socket } from "node:net";
import type { Clock } from "#agent/ports/clock.ts";
import { type AgentAnswer, AgentLines } from "./agent-lines.ts";

/** QEMU listens before its guest runs; a UNIX socket that listens takes a connection at once. */
const CONNECT_WAIT_MS = 1_000;
const SYNC_ID_MAX = 2 ** 31;
const NS_PER_MS = 1_000_000n;
/** Ends whatever half line the agent may have been sent before (qemu-ga.rst, guest-sync-delimited). */
const FLUSH = "\xff";

/** How a request ended: as asked, or in words why not. */
export type AgentOutcome =
  | { readonly kind: "done" }
  /** Nothing came within the time that was left. */
  | { readonly kind: "silent" }
  | { readonly kind: "failed"; readonly words: string };

type Heard = AgentAnswer | { readonly type: "ended"; readonly words: string };

const done: AgentOutcome = { kind: "done" };

export class GuestAgent {
  readonly #socket: Socket;
  readonly #clock: Clock;
  /** Set once, when nothing more can come. */
  #ended: Extract<Heard, { type: "ended" }> | undefined;
  #heard: (heard: Heard) => void = () => {};

  private constructor(socket: Socket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    const lines = new AgentLines((answer) => this.#heard(answer));
    socket.on("data", (chunk) => {
      if (!lines.push(chunk)) this.#end("it sends more than an agent does");
    });
    socket.on("error", (error) => this.#end(error.message));
    socket.on("close", () => this.#end("its port was closed"));
  }

  /** Connects to the host's end of the port. Undefined when nobody takes the connection. */
  static connect(path: string, clock: Clock): Promise<GuestAgent | undefined> {
    return new Promise((resolve) => {
      const socket = connect(path);
      const agent = new GuestAgent(socket, clock);
      const fail = () => {
        forget();
        socket.destroy();
        resolve(undefined);
      };
      const forget = clock.after(CONNECT_WAIT_MS, fail);
      socket.once("error", fail);
      socket.once("connect", () => {
        forget();
        resolve(agent);
      });
    });
  }

  /** Done when the agent listens, and has nothing older to say. */
  sync(withinMs: number): Promise<AgentOutcome> {
    const id = randomInt(SYNC_ID_MAX);
    const request = `${FLUSH}{"execute":"guest-sync-delimited","arguments":{"id":${id}}}`;
    return this.#ask(request, withinMs, (answer) =>
      answer.type === "return" && answer.value === id ? done : undefined,
    );
  }

  /** Sets the guest's clock to the host's. To be asked after `sync` only. */
  setTime(withinMs: number): Promise<AgentOutcome> {
    // As text: so many nanoseconds are no number that a double holds.
    const timeNs = BigInt(Math.round(this.#clock.wallMs())) * NS_PER_MS;
    const request = `{"execute":"guest-set-time","arguments":{"time":${timeNs}}}`;
    return this.#ask(request, withinMs, (answer) =>
      answer.type === "return" ? done : failed(answer.words),
    );
  }

  close(): void {
    this.#socket.destroy();
  }

  /** `judge` makes an outcome of an answer; undefined for one that was meant for another question. */
  #ask(
    request: string,
    withinMs: number,
    judge: (answer: AgentAnswer) => AgentOutcome | undefined,
  ): Promise<AgentOutcome> {
    return new Promise((resolve) => {
      const finish = (outcome: AgentOutcome) => {
        forget();
        this.#heard = () => {};
        resolve(outcome);
      };
      const forget = this.#clock.after(withinMs, () => finish({ kind: "silent" }));
      this.#heard = (heard) => {
        const outcome = heard.type === "ended" ? failed(heard.words) : judge(heard);
        if (outcome !== undefined) finish(outcome);
      };
      if (this.#ended !== undefined) this.#heard(this.#ended);
      // latin1: the flush is one byte, all else is ASCII.
      else this.#socket.write(`${request}\n`, "latin1");
    });
  }

  #end(words: string): void {
    this.#ended ??= { type: "ended", words };
    this.#socket.destroy();
    this.#heard(this.#ended);
  }
}

function failed(words: string): AgentOutcome {
  return { kind: "failed", words };
}
