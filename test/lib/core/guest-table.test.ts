import { describe, expect, it } from "vitest";
import {
  entryOfGuest,
  figuresOfGuest,
  GuestTable,
  hasMemory,
  immovableReason,
  newOwnedVm,
  stateOfGuest,
} from "#lib/core/guest-table.ts";
import type { CopyState } from "#lib/model/copy.ts";
import { copies, specOf } from "../../support/node-driver.ts";

function tableOf(...names: string[]): GuestTable {
  const table = new GuestTable();
  for (const name of names) table.own(newOwnedVm(specOf(name), 1, "running"), null, 0);
  return table;
}

const unexplained = () => false;

describe("GuestTable", () => {
  it("keeps a guest's estimate and copy when its owner record changes", () => {
    const table = tableOf("web");
    const guest = table.get("web");
    table.list(copies({ web: "running" }), unexplained);
    expect(table.own(newOwnedVm(specOf("web"), 2, "stopped"), null, 9)).toBe(guest);
    expect(guest).toMatchObject({ copy: "running", owned: { version: 2, desired: "stopped" } });
  });

  it("counts a copy that was given away until it is gone, or comes back", () => {
    const table = tableOf("web", "db");
    table.list(copies({ web: "sent" }), unexplained);
    table.disown("web");
    table.disown("db");
    expect(table.departingMemoryBytes).toBe(specOf("web").memoryBytes);
    table.list(copies({ web: "sent" }), unexplained);
    expect(table.departingMemoryBytes).toBe(specOf("web").memoryBytes);
    table.list(copies({}), unexplained);
    expect(table.departingMemoryBytes).toBe(0);
  });

  it("starts with the load that came with the guest", () => {
    const load = {
      cpuCores: 0.4,
      residentBytes: 9,
      dirtyBytesPerSecond: null,
      networkBytesPerSecond: null,
    };
    const guest = new GuestTable().own(newOwnedVm(specOf("web"), 1, "running"), load, 0);
    expect(guest.estimate.value()).toEqual(load);
  });

  it.each<[CopyState | "none", boolean]>([
    ["none", true],
    ["defined", true],
    ["stale", true],
    ["suspended", false],
    ["running", false],
    ["paused", false],
  ])("misses a guest that should run and is %s: %s", (state, missed) => {
    const { absent } = tableOf("web").list(
      state === "none" ? [] : copies({ web: state }),
      unexplained,
    );
    expect(absent).toHaveLength(missed ? 1 : 0);
  });

  it("tells new strays once, and again after they were gone", () => {
    const table = tableOf("web");
    const look = (...vms: string[]) =>
      table
        .list(
          copies(Object.fromEntries(vms.map((vm) => [vm, "running"]))),
          ({ vm }) => vm === "web",
        )
        .newStrays.map(({ vm }) => vm);
    expect(look("web", "ghost")).toEqual(["ghost"]);
    expect(look("web", "ghost", "ghoul")).toEqual(["ghoul"]);
    expect(look("web")).toEqual([]);
    expect(look("ghost")).toEqual(["ghost"]);
  });

  it("lists its guests by name", () => {
    const names = tableOf("web", "db", "app")
      .all()
      .map(({ owned }) => owned.spec.name);
    expect(names).toEqual(["app", "db", "web"]);
  });
});

describe("stateOfGuest()", () => {
  it.each([
    { copy: null, changes: {}, state: "stopped" },
    { copy: null, changes: { lost: true }, state: "lost" },
    { copy: "stale", changes: { lost: true }, state: "lost" },
    { copy: "suspended", changes: {}, state: "suspended" },
    { copy: "running", changes: {}, state: "running" },
    { copy: "sending", changes: {}, state: "running" },
    { copy: "paused", changes: {}, state: "paused" },
    { copy: null, changes: { action: "starting" }, state: "starting" },
    { copy: "running", changes: { action: "suspending" }, state: "suspending" },
    { copy: "suspended", changes: { action: "resuming" }, state: "resuming" },
    { copy: "running", changes: { action: "stopping" }, state: "running" },
  ] as const)("of $copy with $changes is $state", ({ copy, changes, state }) => {
    const guest = tableOf("web").all()[0];
    if (!guest) throw new Error("no guest");
    Object.assign(guest, { copy }, changes);
    expect(stateOfGuest(guest, undefined)).toBe(state);
    const move = {
      moveId: "web.2.00112233445566aa",
      target: "QmOther",
      state: "migrating",
    } as const;
    expect(stateOfGuest(guest, move)).toBe("migrating");
    expect(immovableReason(guest, move)).toContain(move.moveId);
  });
});

describe("figuresOfGuest() and entryOfGuest()", () => {
  it("count an unmeasured load as nothing, and do not move it", () => {
    const guest = tableOf("web").all()[0];
    if (!guest) throw new Error("no guest");
    guest.copy = "running";
    expect(figuresOfGuest(guest, undefined)).toMatchObject({
      load: { cpuCores: 0, residentBytes: guest.owned.spec.memoryBytes },
      immovable: "its load has not been measured for long enough",
    });
    expect(entryOfGuest(guest, undefined)).toMatchObject({ name: "web", load: null, move: null });
  });
});

describe("hasMemory()", () => {
  it("is true of what a process holds, running or not", () => {
    const states = ["running", "paused", "sending", "sent", "receiving", "received"] as const;
    expect(states.every(hasMemory)).toBe(true);
    expect([null, "suspended", "stale", "defined"].some((one) => hasMemory(one as null))).toBe(
      false,
    );
  });
});

it("immovableReason() says what its hypervisor says stands in the way, as long as it does", () => {
  const table = tableOf("web");
  const [copy] = copies({ web: "running" });
  if (!copy) throw new Error("there is a copy");
  table.list([{ ...copy, obstacle: "it has snapshots", copiedBytes: 9 }], unexplained);
  const guest = table.get("web");
  if (!guest) throw new Error("web is owned");
  expect(immovableReason(guest, undefined)).toBe("it has snapshots");
  expect(figuresOfGuest(guest, undefined).load.copiedBytes).toBe(9);
  table.list([copy], unexplained);
  expect(immovableReason(guest, undefined)).not.toBe("it has snapshots");
});
