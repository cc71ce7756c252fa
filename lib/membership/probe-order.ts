import type { Prng } from "../base/prng.ts";
import type { HostId } from "../model/ids.ts";

/** From so many hosts left in a round a newcomer is spared for so many probes. */
const MANY_HOSTS = 256;
const NEWCOMER_PAUSE = 8;

/**
 * The shuffled round robin of SWIM (section 4.3): everybody is probed once a round, so the time to
 * the first probe of a dead member is bounded; a newcomer gets a random place in the round.
 */
export class ProbeOrder {
  readonly #prng: Prng;
  #hosts: HostId[] = [];
  #index = 0;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  add(host: HostId): void {
    // Where many come and go, the transport first has to learn how to reach a newcomer.
    const pause = this.#hosts.length - this.#index > MANY_HOSTS ? NEWCOMER_PAUSE : 0;
    const first = this.#index + pause;
    const place = first + this.#prng.nextInt(this.#hosts.length - first + 1);
    this.#hosts.splice(place, 0, host);
  }

  remove(host: HostId): void {
    const place = this.#hosts.indexOf(host);
    if (place < 0) return;
    this.#hosts.splice(place, 1);
    if (place < this.#index) this.#index--;
  }

  /** The next host that may be probed; undefined when there is none. */
  next(mayProbe: (host: HostId) => boolean): HostId | undefined {
    // Twice, because the rest of this round and the start of the next may overlap.
    for (let tried = 0; tried < 2 * this.#hosts.length; tried++) {
      if (this.#index >= this.#hosts.length) {
        this.#hosts = this.#prng.shuffle(this.#hosts);
        this.#index = 0;
      }
      const host = this.#hosts[this.#index++];
      if (host !== undefined && mayProbe(host)) return host;
    }
    return undefined;
  }
}
