import { Table } from "console-table-printer";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

const NO_LINE = { left: "", mid: "", right: "", other: "" };

/** Codes that the library puts around every cell; ours are others (see palette.ts). */
const LIBRARY_CODES = ["\u001b[37m", "\u001b[0m", "\u001b[01m"];

/** Lines of an aligned table without rules, as `ps` prints them; cells may be coloured. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const table = new Table({
    style: { headerTop: NO_LINE, headerBottom: NO_LINE, tableBottom: NO_LINE, vertical: "" },
    columns: columns.map(({ title, align = "left" }, index) => ({
      name: `c${index}`,
      title,
      alignment: align,
    })),
  });
  for (const cells of rows) {
    table.addRow(Object.fromEntries(cells.map((cell, index) => [`c${index}`, cell])));
  }
  return table
    .render()
    .split("\n")
    .map(withoutLibraryCodes)
    .filter((line) => line.trim() !== "")
    .map((line) => line.replace(/^ /, "").trimEnd());
}

function withoutLibraryCodes(line: string): string {
  return LIBRARY_CODES.reduce((text, code) => text.replaceAll(code, ""), line);
}
