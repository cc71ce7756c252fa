/**
 * Never two, never lost: strikes every phase of a move with every fault, between real agents.
 *
 * Responsible for: `npm run -s faults -- [--guests qemu|sim] [--cell TEXT] …`: the whole table of
 * test/support/move-fault-table.ts, or the cells whose name holds TEXT, printed as it goes, with a
 * verdict per cell; exit code 1 when one of them did not end as it must.
 * How: two agents in network namespaces (needs root), one VM a cell.
 * Never leaves anything behind: a guard process removes agents, guests and namespaces.
 */
import { parseArgs } from "node:util";
import type { FaultGuests } from "../test/support/fault-guests.ts";
import { type CellVerdict, MoveFaultRunner } from "../test/support/move-fault-runner.ts";
import { type MoveFaultRow, moveFaultTable } from "../test/support/move-fault-table.ts";
import { QemuGuests } from "../test/support/qemu-guests.ts";
import { SimGuests } from "../test/support/sim-guests.ts";

const BROKEN_MS = 3_000;
/** Holds a transfer open for a few seconds. */
const BANDWIDTH_MIBPS = 12;

const help = `Usage: npm run -s faults -- [--guests qemu|sim] [--cell TEXT]... [--broken-ms MS] [--logs]

Strikes each phase of a live move between two real agents with each fault, and judges what became
of the VM: never two running copies, never lost, both ends agree, frozen only while they cannot talk.

  --guests KIND    qemu (default): real guests; sim: simulated ones
  --cell TEXT      only cells whose name ("held x link cut") holds TEXT; may be given again
  --broken-ms MS   how long what breaks stays broken; default ${BROKEN_MS}
  --logs           show what the agents said last after a failed cell
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      guests: { type: "string", default: "qemu" },
      cell: { type: "string", multiple: true, default: [] },
      "broken-ms": { type: "string", default: String(BROKEN_MS) },
      logs: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const brokenMs = Number(values["broken-ms"]);
  if (!Number.isFinite(brokenMs) || brokenMs < 0) throw new RangeError("--broken-ms wants a time");
  const table = values.guests === "qemu" ? moveFaultTable.map(ofRealGuest) : moveFaultTable;
  const rows = table.filter(([phase, fault]) => {
    const name = `${phase} x ${fault}`;
    return values.cell.length === 0 || values.cell.some((text) => name.includes(text));
  });
  if (rows.length === 0) throw new RangeError(`no cell's name holds ${values.cell.join(" or ")}`);
  const runner = new MoveFaultRunner({ guests: guestsOf(values.guests), brokenMs });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));
  let failed = 0;
  try {
    process.stdout.write(`${headLine}\n`);
    for (const row of rows) {
      const verdict = await runner.run(row, (logs) => {
        if (values.logs) process.stderr.write(`${logs}\n`);
      });
      if (verdict.faults.length > 0) failed += 1;
      process.stdout.write(`${lineOf(verdict)}\n`);
    }
  } finally {
    await runner.close();
  }
  process.stdout.write(`${rows.length - failed} of ${rows.length} cells hold\n`);
  return failed === 0 ? 0 : 1;
}

/**
 * The source's agent stands still when its guest is killed. A dead QEMU tells it no more whether
 * its copy was sent or ran on meanwhile: unless it had heard so before, the VM counts as lost.
 */
function ofRealGuest(row: MoveFaultRow): MoveFaultRow {
  const [phase, fault, ends, why] = row;
  if (phase !== "held" || fault !== "source guest killed") return row;
  return [phase, fault, [...ends, "nowhere"], why];
}

function guestsOf(kind: string): FaultGuests {
  const settings = { migration: { bandwidthMiBps: BANDWIDTH_MIBPS } };
  if (kind === "qemu") return new QemuGuests({ settings });
  if (kind === "sim") return new SimGuests({ settings });
  throw new RangeError(`--guests wants qemu or sim, not "${kind}"`);
}

const headLine = tableLine([
  ...["phase", "fault", "verdict", "ends at"],
  ...["frozen s", "apart s", "settled s"],
]);

function lineOf({ row, outcome, faults }: CellVerdict): string {
  const [phase, fault] = row;
  const seconds = (ms: number | undefined) => (ms === undefined ? "-" : (ms / 1000).toFixed(1));
  const { end = "?", frozenMs, apartMs, settledMs } = outcome ?? {};
  const frozen = end === "nowhere" ? "-" : seconds(frozenMs);
  const verdict = faults.length === 0 ? "ok" : "FAILED";
  const line = tableLine([
    ...[phase, fault, verdict, end],
    ...[frozen, seconds(apartMs), seconds(settledMs)],
  ]);
  return [line, ...faults.map((words) => `    ${words}`)].join("\n");
}

function tableLine(cells: readonly string[]): string {
  const widths = [10, 20, 7, 8, 8, 8, 9];
  return cells
    .map((cell, i) => cell.padEnd(widths[i] ?? 0))
    .join("  ")
    .trimEnd();
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`move-faults: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
