/**
 * Never two, never lost, on libvirt: deaths at exact moments of a move of a real guest. In CI some
 * cells of the table; with EVENKEEL_ALL_CELLS=1 all of it.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { showLogs } from "../support/fleet-in-test.ts";
import { LibvirtFaults, libvirtFaultTable } from "../support/libvirt-faults.ts";
import { libvirtMissing } from "../support/libvirt-host.ts";

const missing = libvirtMissing();
/** One of each kind of ending: what libvirt takes back, gives away, leaves open, and loses. */
const CELLS: readonly string[] = [
  "prepared x source libvirtd",
  "prepared x target agent",
  "finish-call x source guest",
  "finish-call x target libvirtd",
  "finish-reply x source libvirtd",
  "finish-reply x source channel",
  "finish-reply x source agent",
];
const CELL_MS_MAX = 300_000;
const all = process.env["EVENKEEL_ALL_CELLS"] === "1";
const rows = libvirtFaultTable.filter(
  ([moment, victim]) => all || CELLS.includes(`${moment} x ${victim}`),
);

describe.skipIf(missing !== null)(`a move on libvirt (${missing ?? "installed"})`, () => {
  let faults: LibvirtFaults;

  beforeAll(async () => {
    faults = await LibvirtFaults.make();
  });
  afterAll(() => faults?.close());

  it.each(rows)("at %s with %s killed ends at %j", { timeout: CELL_MS_MAX }, async (...row) => {
    try {
      const outcome = await faults.run(row);
      console.log(`${row[0]} x ${row[1]}: ${outcome.end} in ${Math.round(outcome.tookMs)} ms`);
      expect(outcome.faults).toEqual([]);
    } catch (error) {
      showLogs(faults.libvirt.fleet);
      throw error;
    }
  });
});
