/** Two machines, each with a real systemd: where guests are after one shuts down, and the other. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatClusterKey, generateClusterKey } from "#agent/store/cluster-key.ts";
import { eventually } from "../support/eventually.ts";
import { systemdMachineObjection } from "../support/systemd-machine.ts";
import {
  bundlePrograms,
  GUESTS_UNIT,
  removePrograms,
  UnitMachine,
} from "../support/unit-machine.ts";

const objection = systemdMachineObjection();
const STEP = { limitMs: 60_000, pollMs: 300 };

describe.skipIf(objection !== null)("a machine's shutdown beside another machine", () => {
  let programs: string | undefined;
  let first: UnitMachine;
  let second: UnitMachine;

  beforeAll(async () => {
    programs = await bundlePrograms();
    const key = formatClusterKey(generateClusterKey());
    first = new UnitMachine(programs, { name: "ek-first", key });
    second = new UnitMachine(programs, { name: "ek-second", key });
    first.putGuest("goes");
    first.putGuest("obeys", "pc", " acpi=1");
    await Promise.all([first.boot(), second.boot()]);
    await plug();
  });

  afterAll(async () => {
    await first?.close();
    await second?.close();
    removePrograms(programs);
  });

  /** Right after the boot, before the agents run as a rule: they find a cable that comes later, too. */
  async function plug(): Promise<void> {
    first.plug("10.77.0.1/24", second, "10.77.0.2/24");
    for (const machine of [first, second]) await machine.untilActive();
    const know = async () => [first, second].every((machine) => machine.members().length === 2);
    await eventually("each knows the other", know, STEP);
  }

  function shows(machine: UnitMachine, wanted: Readonly<Record<string, string>>): Promise<number> {
    const isShown = async () => {
      const vms = machine.vms();
      return Object.entries(wanted).every(([vm, place]) =>
        vms.some(({ name, host, state }) => name === vm && `${state} on ${host}` === place),
      );
    };
    return eventually(`guests are ${JSON.stringify(wanted)}`, isShown, STEP);
  }

  it("moves who is to migrate to the other, and asks the others to power off", async () => {
    for (const vm of ["goes", "obeys"]) {
      first.evenkeel("vm", "define", `/root/${vm}.yaml`);
      first.evenkeel("vm", "start", vm);
    }
    first.evenkeel("vm", "set", "goes", "shutdown=migrate");
    await shows(first, { goes: "running on ek-first", obeys: "running on ek-first" });
    await eventually("the guest that obeys is up", async () => {
      return (await first.counts("obeys")).length > 9;
    });
    const counted = (await first.counts("goes")).at(-1) ?? -1;

    await first.powerOff();
    expect(first.serial("obeys")).toContain("powers off");
    await shows(second, { goes: "running on ek-second" });
    expect((await second.counts("goes"))[0]).toBeGreaterThan(counted);
  });

  it("suspends who is to migrate where no other host is there", async () => {
    const counted = (await second.counts("goes")).at(-1) ?? -1;
    await second.powerOff();
    // Together: alone, a host waits half a minute after its boot for the others' word.
    await Promise.all([first.boot(), second.boot()]);
    await plug();
    await shows(first, { goes: "running on ek-second", obeys: "running on ek-first" });
    const counts = await second.counts("goes");
    expect(counts.at(-1)).toBeGreaterThan(counted);
    expect(counts.filter((count, i) => i > 0 && count !== (counts[i - 1] ?? 0) + 1)).toEqual([]);
  });

  it("is told of in the journals", () => {
    expect(first.journal(GUESTS_UNIT)).toContain("goes runs on another host");
    expect(first.journal(GUESTS_UNIT)).toContain("obeys is off");
    expect(second.journal(GUESTS_UNIT)).toMatch(
      /goes is suspended \(not moved: no other host takes VMs\)/,
    );
  });
});
