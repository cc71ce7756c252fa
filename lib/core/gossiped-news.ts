import type { HostId } from "../model/ids.ts";
import type { InventoryRecord } from "../model/record.ts";
import type { Cluster } from "./cluster.ts";
import { type HostServiceNews, NewsByService } from "./news-by-service.ts";

export interface GossipedNewsOptions {
  readonly self: HostId;
  readonly cluster: Pick<Cluster, "view" | "changes" | "tidings">;
}

/** What the gossiped inventories tell of services: only those that changed are looked through. */
export class GossipedNews {
  readonly news = new NewsByService();
  readonly #options: GossipedNewsOptions;
  #seen = -1;

  constructor(options: GossipedNewsOptions) {
    this.#options = options;
  }

  refresh(): void {
    const { self, cluster } = this.#options;
    const changes = cluster.changes + cluster.tidings;
    if (changes === this.#seen) return;
    this.#seen = changes;
    const { view } = cluster;
    for (const host of view.hosts()) {
      const body = host === self ? undefined : view.inventoryOf(host)?.record.body;
      // A record is never changed, only replaced: its body tells whether there is anything new.
      this.news.set(host, body && tellsOfServices(body) ? body : undefined);
    }
    for (const host of this.news.hosts())
      if (!view.inventoryOf(host)) this.news.set(host, undefined);
  }
}

function tellsOfServices(body: InventoryRecord["body"]): body is typeof body & HostServiceNews {
  return body.members !== undefined;
}
