import type { Deadlines } from "../base/deadlines.ts";
import type { HostId } from "../model/ids.ts";
import type { View } from "../view/view.ts";
import { deltaOf } from "./gossip-messages.ts";
import { isNews } from "./inventory-news.ts";
import type { Outbox } from "./outbox.ts";
import type { OwnRecords } from "./own-records.ts";

/** A summary that nothing mattered in changes this seldom. */
const intervalMs = 5_000;
/** What mattered goes out at once, but not more often than this. */
const urgentMs = 250;
/** The same of members of services: somebody waits for them. */
const newsMs = 50;

export interface PublisherOptions {
  readonly self: HostId;
  readonly view: View;
  readonly outbox: Outbox;
  readonly records: OwnRecords;
  /** The reason `publish` is this publisher's; its owner calls `publish` when it falls due. */
  readonly deadlines: Deadlines<"publish" | "gossip" | "hello">;
  readonly incarnation: () => number;
  readonly jittered: (intervalMs: number) => number;
}

/** When this host tells what of itself: its records are made anew, and what cannot wait is broadcast. */
export class Publisher {
  readonly #options: PublisherOptions;
  #lastMs = Number.NEGATIVE_INFINITY;
  /** What changed in the inventory is for everybody at once. */
  #inventoryIsNews = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Something mattered: it is told with the next step's end, or as soon as the bound allows. */
  touch(nowMs: number): void {
    this.#soon(nowMs, urgentMs);
  }

  /** The same of own members of services, for which others wait: the inventory itself is news. */
  tell(nowMs: number): void {
    this.#inventoryIsNews = true;
    this.#soon(nowMs, newsMs);
  }

  publish(nowMs: number): void {
    const { deadlines, records, incarnation, jittered } = this.#options;
    this.#lastMs = nowMs;
    deadlines.set("publish", nowMs + jittered(intervalMs));
    records.publish(incarnation(), nowMs);
    if (this.#inventoryIsNews) this.#broadcastInventory();
    this.#inventoryIsNews = false;
  }

  broadcastSelf(): void {
    const { self, view, outbox } = this.#options;
    const own = view.summaryOf(self);
    if (own) outbox.broadcast(deltaOf({ records: [own.record] }));
  }

  /** A long one is too much for news: it rides on push-pull alone. */
  #broadcastInventory(): void {
    const { self, view, outbox } = this.#options;
    const own = view.inventoryOf(self)?.record;
    if (own && isNews(own.body)) outbox.broadcast(deltaOf({ records: [own] }));
  }

  #soon(nowMs: number, gapMs: number): void {
    const { deadlines } = this.#options;
    const soonestMs = Math.max(nowMs, this.#lastMs + gapMs);
    const atMs = deadlines.atMs("publish");
    if (atMs === undefined || atMs > soonestMs) deadlines.set("publish", soonestMs);
  }
}
