/**
 * How good the plans are: `npm run -s bench:plans -- [--data DIR] [--only NAME,...] [--quick] [--json]`.
 *
 * Responsible for: tables of what whole clusters of agents reach on the simulator's virtual clock,
 * each beside what was to be reached, what a central brain with perfect information does, and how
 * other balancers did on the same cluster.
 * How: one section a table, in scripts/plans; a row is printed once it is known. All of it takes
 * most of an hour on one core, `--quick` some minutes; 10,000 hosts need 10 GB.
 * It never changes anything, and uses recorded files only from the folder that it is given.
 */
import { parseArgs } from "node:util";
import { failedRow, type Row, type Section, type SectionOptions } from "./plans/section.ts";
import { SECTIONS } from "./plans/sections.ts";

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: "string" },
      only: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  const options = {
    dataFolder: values.data ?? null,
    isQuick: values.quick,
    say: (line: string) => void process.stderr.write(`bench: ${line}\n`),
  };
  const report: { section: string; title: string; rows: Row[] }[] = [];
  for (const section of chosenSections(values.only)) {
    const rows: Row[] = [];
    if (!values.json) for (const line of headOf(section)) print(line);
    for await (const row of rowsOf(section, options)) {
      rows.push(row);
      if (!values.json) print(lineOf(row));
    }
    report.push({ section: section.name, title: section.title, rows });
  }
  const verdicts = report.flatMap(({ rows }) => rows.map(({ verdict }) => verdict));
  if (values.json) print(JSON.stringify(report));
  else print(`\n${totalsOf(verdicts)}`);
  if (verdicts.includes("failed")) process.exitCode = 1;
}

/** The section's rows; after an error in it a last one that says so. */
async function* rowsOf(section: Section, options: SectionOptions): AsyncGenerator<Row> {
  try {
    yield* section.run(options);
  } catch (error) {
    yield failedRow(section.name, error);
  }
}

function chosenSections(only: string | undefined): readonly Section[] {
  if (only === undefined) return SECTIONS;
  return only.split(",").map((name) => {
    const section = SECTIONS.find((one) => one.name === name);
    if (section !== undefined) return section;
    const names = SECTIONS.map((one) => one.name).join(", ");
    throw new RangeError(`--only wants names out of ${names}, not "${name}"`);
  });
}

/** Markdown, so that a table can be copied into a document as it is. */
function headOf({ name, title, notes }: Section): readonly string[] {
  return [
    `\n## ${title} (${name})`,
    "",
    ...notes.map((note) => `- ${note}`),
    "",
    "| cluster | to reach | ours | central | |",
    "|---|---|---|---|---|",
  ];
}

function lineOf({ what, reach, ours, central, verdict }: Row): string {
  return `| ${[what, reach, ours, central, verdict].join(" | ")} |`;
}

function totalsOf(verdicts: readonly string[]): string {
  const count = (verdict: string) => verdicts.filter((one) => one === verdict).length;
  const failed = count("failed") > 0 ? `, ${count("failed")} failed` : "";
  return `${count("met")} met, ${count("missed")} missed, ${count("skipped")} skipped${failed}`;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  const isUsage = error instanceof RangeError || error instanceof TypeError;
  process.exitCode = isUsage ? 2 : 1;
}
