/** Messages that may wait for one peer. */
export const OUTBOX_MESSAGES_MAX = 64;
/** How long a message may wait; after that its news is old and its sender has asked again. */
export const OUTBOX_WAIT_MS = 4_000;

interface Waiting {
  readonly frame: Uint8Array;
  readonly untilMs: number;
}

/** Frames for one peer that wait for a connection or for room in it; bounded in number and time. */
export class Outbox {
  #waiting: Waiting[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** False when the box is full and the frame was not taken. */
  add(frame: Uint8Array, nowMs: number): boolean {
    if (this.#waiting.length >= OUTBOX_MESSAGES_MAX) return false;
    this.#waiting.push({ frame, untilMs: nowMs + OUTBOX_WAIT_MS });
    return true;
  }

  /** Hands out frames in order until `send` says that there is no more room. */
  flush(send: (frame: Uint8Array) => boolean): void {
    let sent = 0;
    let hasRoom = true;
    while (hasRoom && sent < this.#waiting.length) {
      const next = this.#waiting[sent];
      if (next) hasRoom = send(next.frame);
      sent += 1;
    }
    this.#waiting = this.#waiting.slice(sent);
  }

  /** Forgets what has waited too long; returns how many frames. */
  expire(nowMs: number): number {
    const before = this.#waiting.length;
    this.#waiting = this.#waiting.filter((waiting) => waiting.untilMs > nowMs);
    return before - this.#waiting.length;
  }

  /** Forgets everything; returns how many frames. */
  clear(): number {
    const count = this.#waiting.length;
    this.#waiting = [];
    return count;
  }
}
