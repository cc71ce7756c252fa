import fc from "fast-check";
import { expect, test } from "vitest";
import { Ledger, type Reservation } from "#lib/ledger/ledger.ts";

const MIB = 2 ** 20;

function reservation(moveId: string, changes: Partial<Reservation> = {}): Reservation {
  return {
    moveId,
    vm: "web",
    memoryBytes: 10 * MIB,
    cpuCores: 2,
    networkBytesPerSecond: 0,
    antiAffinityGroup: null,
    affinityGroup: null,
    ...changes,
  };
}

function ledgerWith(capacityMib: number, usedMib = 0, slotsIn = 1): Ledger {
  const ledger = new Ledger({ slotsIn, slotsOut: 1 });
  ledger.memoryIs({ capacityBytes: capacityMib * MIB, usedBytes: usedMib * MIB });
  return ledger;
}

test("Ledger.reserveIn() takes a slot, memory, CPU and the group, until release()", () => {
  const ledger = ledgerWith(100);
  ledger.reserveIn(reservation("m1", { antiAffinityGroup: "db", networkBytesPerSecond: 7 }));
  expect(ledger.has("m1")).toBe(true);
  expect(ledger.freeSlotsIn).toBe(0);
  expect(ledger.freeSlotsOut).toBe(1);
  expect(ledger.reservedMemoryBytes).toBe(10 * MIB);
  expect(ledger.incomingCpuCores).toBe(2);
  expect(ledger.incomingNetworkBytesPerSecond).toBe(7);
  expect(ledger.outgoingNetworkBytesPerSecond).toBe(0);
  expect(ledger.incomingGroups).toEqual(["db"]);
  expect(ledger.release("m1")).toBe(true);
  expect(ledger.release("m1")).toBe(false);
  expect(ledger.freeSlotsIn).toBe(1);
  expect(ledger.reservedMemoryBytes).toBe(0);
  expect(ledger.incomingGroups).toEqual([]);
});

test("Ledger.reserveOut() takes a slot out and no memory in", () => {
  const ledger = ledgerWith(100);
  ledger.reserveOut(reservation("m1"));
  expect(ledger.freeSlotsOut).toBe(0);
  expect(ledger.outgoingCpuCores).toBe(2);
  expect(ledger.outgoingMemoryBytes).toBe(10 * MIB);
  expect(ledger.reservedMemoryBytes).toBe(0);
  expect(() => ledger.reserveOut(reservation("m2"))).toThrow("no free slot out for m2");
  ledger.release("m1");
  expect(ledger.freeSlotsOut).toBe(1);
});

test("Ledger.hold() keeps memory for one VM and from all others, until unhold()", () => {
  const ledger = ledgerWith(100, 85, 2);
  const asked = { memoryBytes: 10 * MIB };
  ledger.hold("db", 10 * MIB);
  expect(ledger.refusalIn({ ...asked, vm: "web" })).toContain("has 5 MiB of its 100 MiB");
  expect(ledger.refusalIn({ ...asked, vm: "db" })).toBeNull();
  expect(() => ledger.reserveIn(reservation("m1", { vm: "web" }))).toThrow("grant of m1");
  ledger.reserveIn(reservation("m2", { vm: "db" }));
  ledger.release("m2");
  ledger.unhold("db");
  expect(ledger.refusalIn({ ...asked, vm: "web" })).toBeNull();
});

test("Ledger lets an exchange into the reserve, and into no more than that", () => {
  const ledger = new Ledger({ slotsIn: 2, slotsOut: 1 });
  ledger.memoryIs({ capacityBytes: 90 * MIB, usedBytes: 85 * MIB, brimBytes: 99 * MIB });
  const asked = { vm: "web", memoryBytes: 10 * MIB };
  expect(ledger.refusalIn(asked)).toContain("has 5 MiB of its 90 MiB");
  expect(ledger.refusalIn({ ...asked, mayUseReserve: true })).toBeNull();
  ledger.reserveIn(reservation("m1", { mayUseReserve: true }));
  expect(ledger.refusalIn({ ...asked, mayUseReserve: true })).toContain("has 4 MiB of its 99 MiB");
});

test("Ledger.reserveIn() never promises memory that is not there", () => {
  const ledger = ledgerWith(100, 85, 2);
  expect(ledger.refusalIn({ vm: "web", memoryBytes: 20 * MIB })).toBe(
    "has 15 MiB of its 100 MiB of memory left, and 20 MiB are needed",
  );
  ledger.reserveIn(reservation("m1"));
  expect(() => ledger.reserveIn(reservation("m2"))).toThrow(
    "grant of m2: this host has 5 MiB of its 100 MiB of memory left, and 10 MiB are needed",
  );
});

test("Ledger promises nothing before it was told the host's memory", () => {
  expect(new Ledger().refusalIn({ vm: "web", memoryBytes: 1 })).toContain("has 0 MiB of its 0 MiB");
});

test("Ledger.reserveIn() refuses without a slot, and the same move twice", () => {
  const ledger = ledgerWith(100, 0, 2);
  ledger.reserveIn(reservation("m1"));
  expect(() => ledger.reserveIn(reservation("m1"))).toThrow("m1 is reserved twice");
  ledger.reserveIn(reservation("m2"));
  expect(ledger.refusalIn({ vm: "web", memoryBytes: 1 })).toBe(
    "is taking in another VM (no free slot)",
  );
});

test("Ledger.restoreIn() keeps a promise from before a restart, whatever is free now", () => {
  const ledger = ledgerWith(100, 99);
  ledger.restoreIn(reservation("m1"));
  ledger.restoreOut(reservation("m2"));
  expect(ledger.freeSlotsIn).toBe(0);
  expect(ledger.freeMemoryBytes).toBe(0);
  ledger.restoreIn(reservation("m3"));
  expect(ledger.freeSlotsIn).toBe(0);
});

test("Ledger keeps used and promised memory within the capacity in any order of events", () => {
  const event = fc.record({
    move: fc.integer({ min: 0, max: 5 }),
    memoryMib: fc.nat(60),
    release: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), fc.nat(100), (events, usedMib) => {
      const ledger = ledgerWith(100, usedMib, 3);
      for (const { move, memoryMib, release } of events) {
        const moveId = `m${move}`;
        const memoryBytes = memoryMib * MIB;
        if (release) ledger.release(moveId);
        else if (!ledger.has(moveId) && ledger.refusalIn({ vm: "web", memoryBytes }) === null) {
          ledger.reserveIn(reservation(moveId, { memoryBytes }));
        }
        expect(ledger.reservedMemoryBytes + usedMib * MIB).toBeLessThanOrEqual(100 * MIB);
        expect(ledger.freeSlotsIn).toBeGreaterThanOrEqual(0);
      }
    }),
  );
});
