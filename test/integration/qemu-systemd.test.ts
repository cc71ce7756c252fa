import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { labGuest, labSpec } from "../support/lab-guest.ts";
import { SystemdMachine, systemdMachineObjection } from "../support/systemd-machine.ts";

const ERRAND = resolve(import.meta.dirname, "../fixtures/qemu-guest.ts");
const STATE = "/var/lib/guests-under-test";
const IMAGES = "/srv/images-under-test";
const UNIT = "evenkeel-guest-unit.service";
/** The machine has a /tmp of its own, and the checkout may lie in ours: all that runs is copied. */
const NODE = "/usr/lib/errand/node";
const ERRAND_THERE = "/usr/lib/errand/errand.mjs";

describe.skipIf(systemdMachineObjection() !== null)("QemuDriver where systemd runs", () => {
  const made = labGuest();
  // Not where it was made: the machine has a /tmp of its own.
  const guest = {
    kernel: join(IMAGES, basename(made.kernel)),
    initrd: join(IMAGES, basename(made.initrd)),
  };
  // A dollar, as systemd would expand it: it has to reach the guest's command line as it is.
  const spec = labSpec("unit", guest);
  const kernel = spec.kernel && { ...spec.kernel, cmdline: `${spec.kernel.cmdline} word=$HOME` };
  const order = JSON.stringify({
    spec: { ...spec, kernel },
    storageRoots: [IMAGES],
  });
  let machine: SystemdMachine;

  beforeAll(async () => {
    machine = new SystemdMachine();
    machine.copy(made.kernel, guest.kernel);
    machine.copy(made.initrd, guest.initrd);
    machine.copy(process.execPath, NODE);
    const folder = mkdtempSync(join(tmpdir(), "ek-errand-"));
    const outfile = join(folder, "errand.mjs");
    const options = { bundle: true, format: "esm", platform: "node" } as const;
    await build({ ...options, entryPoints: [ERRAND], outfile, logLevel: "error" });
    machine.copy(outfile, ERRAND_THERE);
    rmSync(folder, { recursive: true });
    await machine.boot();
  });

  afterAll(async () => {
    await machine?.close();
  });

  /** An agent that lives for one errand, in a unit of its own that takes its children along. */
  function errand(verb: string): unknown {
    const output = machine.run(
      ...["systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--"],
      ...[NODE, ERRAND_THERE, STATE, verb, order.replaceAll("$", "$$$$")],
    );
    const last = output.split("\n").findLast((line) => line.startsWith("["));
    if (last === undefined) throw new Error(`${verb} failed: ${output}`);
    return JSON.parse(last);
  }

  const counts = () => {
    const serial = readFileSync(join(machine.root, STATE, "serial/unit.log"), "utf8");
    return serial.match(/^tick \d+/gm)?.length ?? 0;
  };

  it("gives a guest a unit of its own, in which it outlives the agent's unit", async () => {
    expect(errand("start")).toEqual([{ vm: "unit", state: "running", moveId: null }]);
    expect(machine.property(UNIT, "ActiveState")).toBe("active");
    const before = counts();
    await eventually("the guest counts on", async () => counts() > before + 1);
    const pid = machine.property(UNIT, "MainPID");
    const commandLine = machine.run("cat", `/proc/${pid}/cmdline`);
    expect(commandLine).toContain("word=$HOME");
    expect(errand("list")).toEqual([{ vm: "unit", state: "running", moveId: null }]);
  });

  it("suspends it into nothing, resumes it into a new unit, and stops it", async () => {
    expect(errand("suspend")).toEqual([{ vm: "unit", state: "suspended", moveId: null }]);
    await eventually("the unit is gone", async () => {
      return machine.property(UNIT, "LoadState") === "not-found";
    });
    expect(errand("resume")).toEqual([{ vm: "unit", state: "running", moveId: null }]);
    expect(machine.property(UNIT, "ActiveState")).toBe("active");
    expect(errand("stop")).toEqual([]);
  });
});
