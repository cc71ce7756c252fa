/** Something that is to happen at a virtual time. */
export interface Appointment {
  readonly atMs: number;
  /** In which order appointments were made: of two at one instant the first made comes first. */
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** Appointments by time, the next one first: a binary heap. */
export class AppointmentHeap {
  readonly #heap: Appointment[] = [];

  get first(): Appointment | undefined {
    return this.#heap[0];
  }

  push(appointment: Appointment): void {
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

  /** Removes the first; there must be one. */
  pop(): Appointment {
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
