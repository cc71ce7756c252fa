import type { HostId } from "#lib/model/ids.ts";
import type { Link, Links } from "./links.ts";

/** How long a link that nobody here needs is kept: members come and go, links should not. */
const UNWANTED_MS = 60_000;
/** A peer that is connected but does not subscribe to the news is half dead: dial it anew. */
const NEWSLESS_MS = 10_000;
/** Time between two rounds of care. */
const ROUND_MS = 900;

export interface LinkCareOptions {
  readonly links: Links<Link>;
  readonly isWanted: (host: HostId) => boolean;
  readonly hearsNews: (host: HostId) => boolean;
}

/** Looks after the links about once a second: signs of life, superfluous ones, half dead ones. */
export class LinkCare {
  readonly #options: LinkCareOptions;
  /** Since when a link has been unwanted, or its peer without news. */
  readonly #unwantedMs = new Map<HostId, number>();
  readonly #newslessMs = new Map<HostId, number>();
  #nextMs = 0;

  constructor(options: LinkCareOptions) {
    this.#options = options;
  }

  /** `wasLate`: this process itself did not run for a while, so silence means nothing. */
  tick(nowMs: number, wasLate: boolean): void {
    if (nowMs < this.#nextMs && !wasLate) return;
    this.#nextMs = nowMs + ROUND_MS;
    const { links, isWanted, hearsNews } = this.#options;
    links.tick(nowMs, wasLate);
    if (wasLate) this.#newslessMs.clear();
    for (const host of links.hosts()) {
      const link = links.get(host);
      // Who dialled closes: only that side knows whether the link is still of use.
      const isUnwanted = link?.isDialled === true && !isWanted(host);
      if (longEnough(this.#unwantedMs, host, { isSo: isUnwanted, nowMs, waitMs: UNWANTED_MS })) {
        link?.abort("no longer needed");
      }
      const isNewsless = !hearsNews(host);
      if (longEnough(this.#newslessMs, host, { isSo: isNewsless, nowMs, waitMs: NEWSLESS_MS })) {
        link?.abort("no news subscription");
      }
    }
    for (const since of [this.#unwantedMs, this.#newslessMs]) {
      for (const host of since.keys()) if (!links.get(host)) since.delete(host);
    }
  }
}

/** True once something has been so, at each look, for `waitMs`. */
function longEnough(
  since: Map<HostId, number>,
  host: HostId,
  { isSo, nowMs, waitMs }: { isSo: boolean; nowMs: number; waitMs: number },
): boolean {
  if (!isSo) {
    since.delete(host);
    return false;
  }
  const sinceMs = since.get(host) ?? nowMs;
  since.set(host, sinceMs);
  return nowMs - sinceMs >= waitMs;
}
