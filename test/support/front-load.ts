import { quantile } from "#lib/base/stats.ts";
import { RequestLoad } from "../../scripts/load/request-load.ts";
import { type FrontEnd, FrontSender } from "./front-sender.ts";

/** Asks through one switch at a rate that may change, whatever the answers do. */
export class FrontLoad {
  readonly #sender: FrontSender;
  readonly #load: RequestLoad;
  #rate: number;

  constructor(socketPath: string, perSecond: number) {
    this.#rate = perSecond;
    this.#sender = new FrontSender(socketPath);
    this.#load = new RequestLoad({
      sender: this.#sender,
      limitMs: this.#sender.limitMs,
      rateAt: () => this.#rate,
    });
    this.#load.start();
  }

  set rate(perSecond: number) {
    this.#rate = perSecond;
  }

  get ends(): readonly FrontEnd[] {
    return this.#sender.ends;
  }

  get lost(): readonly FrontEnd[] {
    return this.ends.filter(({ loss }) => loss !== "");
  }

  /** As "3 of 120 requests lost (status-504), half answered within 60 ms, all within 2015 ms". */
  get words(): string {
    const by = [...new Set(this.lost.map(({ loss }) => loss))].join(", ");
    const times = this.ends.flatMap(({ loss, tookMs }) => (loss === "" ? [tookMs] : []));
    const [half, all] = [0.5, 1].map((share) => Math.round(quantile(times, share)));
    const lost = `${this.lost.length} of ${this.ends.length} requests lost${by && ` (${by})`}`;
    return `${lost}, half answered within ${half} ms, all within ${all} ms`;
  }

  /** Sends no more; resolves when all have ended. Safe to call twice. */
  stop(): Promise<void> {
    return this.#load.stop();
  }
}
