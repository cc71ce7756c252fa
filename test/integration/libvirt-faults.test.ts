/**
 * Never two, never lost, on libvirt: deaths at exact moments of a move of a real guest. In CI some
 * cells of the table; with EVENKEEL_ALL_CELLS=1 all of it.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { showLogs } from "../support/fleet-in-test.ts";
import {
  type LibvirtFaultRow,
  LibvirtFaults,
  libvirtDiskFaultTable,
  libvirtFaultTable,
} from "../support/libvirt-faults.ts";
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
/** Of the disk: broken off and begun anew, handed over by libvirt alone, and lost with its memory. */
const DISK_CELLS: readonly string[] = [
  "mid-copy x source libvirtd",
  "finish-reply x source guest",
  "finish-reply x target guest",
];
const CELL_MS_MAX = 300_000;
const all = process.env["EVENKEEL_ALL_CELLS"] === "1";

const rowsOf = (table: readonly LibvirtFaultRow[], cells: readonly string[]) =>
  table.filter(([moment, victim]) => all || cells.includes(`${moment} x ${victim}`));

const installed = missing ?? "installed";

describe.skipIf(missing !== null)(`a move on libvirt (${installed})`, () => {
  strike(rowsOf(libvirtFaultTable, CELLS), false);
});

describe.skipIf(missing !== null)(`a move on libvirt that copies a disk (${installed})`, () => {
  strike(rowsOf(libvirtDiskFaultTable, DISK_CELLS), true);
});

function strike(rows: readonly LibvirtFaultRow[], hasDisk: boolean): void {
  let faults: LibvirtFaults;

  beforeAll(async () => {
    faults = await LibvirtFaults.make({ hasDisk });
  });
  afterAll(() => faults?.close());

  it.each(rows)("at %s with %s killed ends at %j", { timeout: CELL_MS_MAX }, async (...row) => {
    try {
      const outcome = await faults.run(row);
      const images = hasDisk ? `, images at ${outcome.images.join(" and ")}` : "";
      const tookMs = Math.round(outcome.tookMs);
      console.log(`${row[0]} x ${row[1]}: ${outcome.end} in ${tookMs} ms${images}`);
      expect(outcome.faults).toEqual([]);
    } catch (error) {
      showLogs(faults.libvirt.fleet);
      throw error;
    }
  });
}
