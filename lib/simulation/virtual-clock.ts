import { assert } from "../base/assert.ts";
import { type Appointment, AppointmentHeap } from "./appointment-heap.ts";

/** Appointments of so many ms lie unsorted in one page until their time is near. */
const pageMs = 4;

/**
 * Time that passes only from one event to the next. Events at one instant run in the order in which
 * they were set, so that a run is the same each time. With many thousand hosts there are a hundred
 * thousand appointments: only those of the next few milliseconds are kept in order.
 */
export class VirtualClock {
  /** Those of the page that is turned up, and of pages before it. */
  readonly #near = new AppointmentHeap();
  #nearPage = -1;
  readonly #pages = new Map<number, Appointment[]>();
  /** The pages that hold something; the time of each is its number. */
  readonly #pageOrder = new AppointmentHeap();
  #nowMs = 0;
  #count = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Time of the next event; undefined when there is none. */
  get nextMs(): number | undefined {
    for (;;) {
      while (this.#near.first?.cancelled) this.#near.pop();
      if (this.#near.first) return this.#near.first.atMs;
      if (!this.#pageOrder.first) return undefined;
      this.#turnPage(this.#pageOrder.pop().atMs);
    }
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

  /** Goes to the next event and runs it; false when there is none until `untilMs`. */
  runNext(untilMs: number): boolean {
    const atMs = this.nextMs;
    if (atMs === undefined || atMs > untilMs) {
      this.#nowMs = Math.max(this.#nowMs, untilMs);
      return false;
    }
    const appointment = this.#near.pop();
    this.#nowMs = appointment.atMs;
    appointment.run();
    return true;
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
    const page = Math.floor(appointment.atMs / pageMs);
    if (page <= this.#nearPage) this.#near.push(appointment);
    else this.#write(page, appointment);
    return appointment;
  }

  #write(page: number, appointment: Appointment): void {
    const known = this.#pages.get(page);
    if (known) {
      known.push(appointment);
      return;
    }
    this.#pages.set(page, [appointment]);
    this.#pageOrder.push({ atMs: page, order: 0, run: () => {}, cancelled: false });
  }

  #turnPage(page: number): void {
    for (const appointment of this.#pages.get(page) ?? []) {
      if (!appointment.cancelled) this.#near.push(appointment);
    }
    this.#pages.delete(page);
    this.#nearPage = page;
  }
}
