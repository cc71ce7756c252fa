import { FrontSender } from "./front-sender.ts";

const TICK_MS = 10;
const MS_PER_SECOND = 1000;
const IN_FLIGHT_MAX = 300;

/** Asks through one switch at a rate that may change, whatever the answers do. */
export class FrontLoad {
  readonly sender: FrontSender;
  readonly #timer: NodeJS.Timeout;
  readonly #open = new Set<Promise<unknown>>();
  #perSecond: number;
  #due = 0;
  #lookedAtMs = performance.now();

  constructor(socketPath: string, perSecond: number) {
    this.sender = new FrontSender(socketPath);
    this.#perSecond = perSecond;
    this.#timer = setInterval(() => this.#look(), TICK_MS);
  }

  set rate(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Sends no more; resolves when all have ended. Safe to call twice. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
    this.sender.close();
  }

  #look(): void {
    const nowMs = performance.now();
    this.#due += ((nowMs - this.#lookedAtMs) * this.#perSecond) / MS_PER_SECOND;
    this.#lookedAtMs = nowMs;
    for (; this.#due >= 1 && this.#open.size < IN_FLIGHT_MAX; this.#due -= 1) {
      const sent = this.sender.send();
      this.#open.add(sent);
      void sent.finally(() => this.#open.delete(sent));
    }
  }
}
