import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { type Appointment, AppointmentHeap } from "#lib/simulation/appointment-heap.ts";

function appointment(atMs: number, order: number): Appointment {
  return { atMs, order, run: () => undefined, cancelled: false };
}

describe("AppointmentHeap", () => {
  it("gives appointments by time, of one instant in the order they were made", () => {
    const prng = new Prng(7);
    const heap = new AppointmentHeap();
    const made = Array.from({ length: 300 }, (_, order) => appointment(prng.nextInt(40), order));
    for (const one of prng.shuffle(made)) heap.push(one);
    const given = made.map(() => heap.pop());
    expect(given).toEqual(made.toSorted((a, b) => a.atMs - b.atMs || a.order - b.order));
    expect(heap.first).toBeUndefined();
  });

  it("shows the first without removing it, whatever comes and goes between", () => {
    const heap = new AppointmentHeap();
    for (const [order, atMs] of [30, 10, 20].entries()) heap.push(appointment(atMs, order));
    expect([heap.first?.atMs, heap.pop().atMs, heap.first?.atMs]).toEqual([10, 10, 20]);
    heap.push(appointment(5, 3));
    heap.push(appointment(25, 4));
    expect([heap.pop(), heap.pop(), heap.pop(), heap.pop()].map(({ atMs }) => atMs)).toEqual([
      5, 20, 25, 30,
    ]);
  });
});
