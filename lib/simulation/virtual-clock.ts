import { assert } from "../base/assert.ts";

interface Appointment {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/**
 * Time that passes only from one event to the next. Events at one instant run in the order in which
 * they were set, so that a run is the same each time.
 */
export class VirtualClock {
  readonly #heap: Appointment[] = [];
  #nowMs = 0;
  #count = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Time of the next event; undefined when there is none. */
  get nextMs(): number | undefined {
    this.#dropCancelled();
    return this.#heap[0]?.atMs;
  }

  /** Calls `run` after `delayMs` of virtual time; returns how to forget it. */
  after(delayMs: number, run: () => void): () => void {
    const appointment = this.#appoint(delayMs, run);
    return () => {
      appointment.cancelled = true;
    };
  }

  /** As `after`, for what is never forgotten: most of what happens. */
  call(delayMs: number, run: () => void): void {
    this.#appoint(delayMs, run);
  }

  #appoint(delayMs: number, run: () => void): Appointment {
    if (!(delayMs >= 0 && delayMs < Infinity)) assert(false, `a delay of ${delayMs} ms`);
    const appointment = {
      atMs: this.#nowMs + delayMs,
      order: this.#count,
      run,
      cancelled: false,
    };
    this.#count += 1;
    this.#push(appointment);
    return appointment;
  }

  /** Goes to the next event and runs it; false when there is none until `untilMs`. */
  runNext(untilMs: number): boolean {
    const atMs = this.nextMs;
    if (atMs === undefined || atMs > untilMs) {
      this.#nowMs = Math.max(this.#nowMs, untilMs);
      return false;
    }
    const appointment = this.#pop();
    this.#nowMs = appointment.atMs;
    appointment.run();
    return true;
  }

  #dropCancelled(): void {
    while (this.#heap[0]?.cancelled) this.#pop();
  }

  #push(appointment: Appointment): void {
    const heap = this.#heap;
    let index = heap.push(appointment) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Appointment;
      if (!before(appointment, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = appointment;
  }

  #pop(): Appointment {
    const heap = this.#heap;
    const first = heap[0] as Appointment;
    const last = heap.pop() as Appointment;
    if (heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(appointment: Appointment): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && before(right, heap[child] as Appointment)) child += 1;
      const below = heap[child] as Appointment;
      if (!before(below, appointment)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = appointment;
  }
}

function before(a: Appointment, b: Appointment): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
