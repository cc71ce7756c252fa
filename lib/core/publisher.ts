import type { Deadlines } from "../base/deadlines.ts";
import type { HostSummary } from "../model/host.ts";
import type { HostId } from "../model/ids.ts";
import type { View } from "../view/view.ts";
import { deltaOf } from "./gossip-messages.ts";
import { isNews } from "./inventory-news.ts";
import type { NearbyNews } from "./nearby-news.ts";
import type { Outbox } from "./outbox.ts";
import type { OwnRecords } from "./own-records.ts";

/** A summary that nothing mattered in changes this seldom. */
const intervalMs = 5_000;
/** What mattered goes out at once, but not more often than this. */
const urgentMs = 250;
/** The same of members of services: somebody waits for them. */
const newsMs = 50;
/** Room that came or went by moves is told to all at once if it is this share of the host. */
const roomShareMin = 0.05;
/** The same no more often, whatever comes and goes: everybody pays for each word. */
const roomMs = 1_000;

export interface PublisherOptions {
  readonly self: HostId;
  readonly view: View;
  readonly outbox: Outbox;
  readonly records: OwnRecords;
  /** The reason `publish` is this publisher's; its owner calls `publish` when it falls due. */
  readonly deadlines: Deadlines<"publish" | "gossip" | "hello">;
  readonly incarnation: () => number;
  readonly jittered: (intervalMs: number) => number;
  readonly nearby: Pick<NearbyNews, "tell">;
}

/** When this host tells what of itself: its records are made anew, and what cannot wait is broadcast. */
export class Publisher {
  readonly #options: PublisherOptions;
  #lastMs = Number.NEGATIVE_INFINITY;
  /** What changed in the inventory is for everybody at once. */
  #inventoryIsNews = false;
  /** Something has mattered since the last publication, or since all were told of the room. */
  #isTouched = false;
  /** What all were told at once last; the first words of a host go round by themselves. */
  #told: HostSummary | undefined;
  #roomToldMs = Number.NEGATIVE_INFINITY;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Something mattered: it is told with the next step's end, or as soon as the bound allows. */
  touch(nowMs: number): void {
    this.#isTouched = true;
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
    if (this.#isTouched) this.#tellRoom(nowMs);
  }

  broadcastSelf(): void {
    const { self, view, outbox } = this.#options;
    const own = view.summaryOf(self);
    if (!own) return;
    this.#told = own.record.body;
    outbox.broadcast(deltaOf({ records: [own.record] }));
  }

  /** Hosts that plan without knowing it ask in vain, or take what fits worse. */
  #tellRoom(nowMs: number): void {
    const { self, view, nearby } = this.#options;
    this.#isTouched = false;
    const own = view.summaryOf(self)?.record;
    if (!own) return;
    this.#told ??= own.body;
    if (!hasOtherRoom(this.#told, own.body)) return;
    if (nowMs < this.#roomToldMs + roomMs) {
      this.#isTouched = true;
      this.#soon(nowMs, this.#roomToldMs + roomMs - nowMs);
      return;
    }
    this.#roomToldMs = nowMs;
    this.#told = own.body;
    // Of a large cluster each hears of a part of the moves only.
    if (view.isLarge) nearby.tell(own, nowMs);
    else this.broadcastSelf();
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

/** A slot, or a share of CPU or memory, is promised to a move or free again, or known at last. */
function hasOtherRoom(before: HostSummary, now: HostSummary): boolean {
  const cpuCores = Math.abs(now.projectedCpuCores - before.projectedCpuCores);
  const memoryBytes = Math.abs(now.projectedMemoryBytes - before.projectedMemoryBytes);
  return (
    now.freeSlotsIn !== before.freeSlotsIn ||
    now.measuring !== before.measuring ||
    cpuCores > roomShareMin * now.cpuCapacityCores ||
    memoryBytes > roomShareMin * now.memoryCapacityBytes
  );
}
