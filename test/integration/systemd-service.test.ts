import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatClusterKey, generateClusterKey } from "#agent/store/cluster-key.ts";
import { eventually } from "../support/eventually.ts";
import { systemdMachineObjection } from "../support/systemd-machine.ts";
import {
  bundlePrograms,
  GUESTS_UNIT,
  removePrograms,
  AGENT_UNIT as UNIT,
  UnitMachine,
} from "../support/unit-machine.ts";

const GUEST_UNIT = "evenkeel-guest-web-1.service";

let machine: UnitMachine;
let programs: string | undefined;

const evenkeel = (...words: string[]): string => machine.evenkeel(...words);
const untilActive = (): Promise<void> => machine.untilActive();

const objection = systemdMachineObjection();

describe.skipIf(objection !== null)("evenkeel.service under a real systemd", () => {
  beforeAll(async () => {
    programs = await bundlePrograms();
    const key = formatClusterKey(generateClusterKey());
    machine = new UnitMachine(programs, { name: "evenkeel-test", key });
    for (const vm of ["web-1", "web-2"]) machine.putGuest(vm);
    await machine.boot();
    await untilActive();
  });

  afterAll(async () => {
    await machine?.close();
    removePrograms(programs);
  });

  it("is ready once it answers, and says so in its status", () => {
    expect(machine.property(UNIT, "StatusText")).toContain("evenkeel-test");
    expect(JSON.parse(evenkeel("members", "--json")).members).toHaveLength(1);
    expect(machine.run("stat", "-c", "%a", "/var/lib/evenkeel")).toBe("700");
  });

  it("runs a guest in a unit of its own, which outlives every end of the agent", async () => {
    const said = [evenkeel("vm", "define", "/root/web-1.yaml"), evenkeel("vm", "start", "web-1")];
    await eventually(`the guest's unit runs (${said.join("; ")})`, async () => {
      return machine.property(GUEST_UNIT, "ActiveState") === "active";
    });
    const guestPid = machine.property(GUEST_UNIT, "MainPID");

    machine.run("systemctl", "restart", UNIT);
    await untilActive();
    expect(machine.property(GUEST_UNIT, "MainPID")).toBe(guestPid);

    machine.run("kill", "-KILL", machine.property(UNIT, "MainPID"));
    await eventually("it was restarted", async () => machine.property(UNIT, "NRestarts") === "1");
    await untilActive();
    expect(machine.property(GUEST_UNIT, "MainPID")).toBe(guestPid);
    await eventually("the agent has its guest again", async () => {
      const vms = machine.vms();
      return vms[0]?.name === "web-1" && vms[0].state === "running";
    });
  });

  it("is restarted when its loop hangs", async () => {
    const restarts = Number(machine.property(UNIT, "NRestarts"));
    machine.run("kill", "-STOP", machine.property(UNIT, "MainPID"));
    await eventually("the watchdog bit", async () => {
      return Number(machine.property(UNIT, "NRestarts")) === restarts + 1;
    });
    await untilActive();
  });

  it("ends guests by their policies as the machine shuts down, and runs them after its boot", async () => {
    const settled = (states: Readonly<Record<string, string>>) =>
      eventually(`guests are ${JSON.stringify(states)}`, async () => {
        const vms = machine.vms();
        return vms.length === 2 && vms.every(({ name, state }) => states[name] === state);
      });
    evenkeel("vm", "define", "/root/web-2.yaml");
    evenkeel("vm", "start", "web-2");
    evenkeel("vm", "set", "web-1", "shutdown=suspend");
    evenkeel("vm", "set", "web-2", "shutdown=leave", "priority=90");
    await settled({ "web-1": "running", "web-2": "running" });
    // By hand, while the machine goes on: no guest is touched.
    machine.run("systemctl", "restart", GUESTS_UNIT);
    await settled({ "web-1": "running", "web-2": "running" });

    await machine.powerOff();
    await machine.boot();
    await untilActive();
    await settled({ "web-1": "running", "web-2": "running" });
    const ending = machine.journal(GUESTS_UNIT);
    expect(ending).toContain("the machine does not shut down");
    expect(ending).toContain("web-1 is suspended");
    expect(ending).toContain("web-2 is left to end by itself");
    const boot = machine.journal(UNIT);
    const [cold, warm] = ["web-2: start after", "web-1: resume after"].map((words) =>
      boot.indexOf(words),
    );
    expect(cold, boot).toBeGreaterThan(0);
    expect(warm, boot).toBeGreaterThan(cold ?? 0);
  });

  it("stays down, with its reason in the log, when the key is open to others", async () => {
    machine.run("chmod", "644", "/etc/evenkeel/cluster.key");
    machine.run("systemctl", "restart", UNIT);
    await eventually("it gave up", async () => {
      return machine.property(UNIT, "ActiveState") === "failed";
    });
    expect(machine.property(UNIT, "ExecMainStatus")).toBe("78");
    expect(machine.run("journalctl", "--unit", UNIT, "--no-pager", "-n", "20")).toContain(
      "chmod 600 /etc/evenkeel/cluster.key",
    );
  });
});
