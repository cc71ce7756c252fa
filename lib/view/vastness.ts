import { hashText } from "../base/prng.ts";
import type { HostId } from "../model/ids.ts";

/** Bits of a linear count (Whang 1990): it is 1.2 % off where a thousand hosts are counted. */
const bits = 4_096;
/** Hosts are counted over this long, ms: those that are gone for good are named no more. */
const windowMs = 600_000;
/** Vast are so many times the hosts that one member remembers: no miscount comes to that. */
const vastShare = 1.25;

/** Whether there are more hosts than one member could know, by all that it hears named. */
export class Vastness {
  readonly #marks = new Uint32Array(bits / 32);
  /** So many marks say that it is vast. */
  readonly #marksMin: number;
  #marked = 0;
  #sinceMs = Number.NEGATIVE_INFINITY;
  #wasVast = false;

  /** `hostsMax`: hosts that a member can remember, at most 3000. */
  constructor(hostsMax: number) {
    this.#marksMin = bits * (1 - Math.exp((-vastShare * hostsMax) / bits));
  }

  /** True from when it shows until nothing of it has shown for a whole window. */
  get isVast(): boolean {
    return this.#wasVast || this.#shows;
  }

  /** Somebody spoke of this host. Once it is vast nobody is counted. */
  heard(host: HostId): void {
    if (this.#shows) return;
    const bit = hashText(host) % bits;
    const word = bit >>> 5;
    const mark = 1 << (bit & 31);
    const before = this.#marks[word] ?? 0;
    if ((before & mark) !== 0) return;
    this.#marks[word] = before | mark;
    this.#marked += 1;
  }

  /** Counts anew when a window is over, from the hosts that are known. */
  turn(known: readonly { readonly host: HostId }[], nowMs: number): void {
    if (nowMs < this.#sinceMs + windowMs) return;
    this.#sinceMs = nowMs;
    this.#wasVast = this.#shows;
    this.#marks.fill(0);
    this.#marked = 0;
    for (const { host } of known) this.heard(host);
  }

  get #shows(): boolean {
    return this.#marked >= this.#marksMin;
  }
}
