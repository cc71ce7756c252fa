/**
 * Adds up vitest's JSON reports and prints `<passed> <failed>`.
 *
 * Usage: node scripts/count-results.ts REPORT.json ...
 * A report that is missing or unreadable, or a run that failed outside of any test (a file that did
 * not load, an error nobody caught), counts as one failure: it must never look like a pass.
 */
import { readFileSync } from "node:fs";
import { sumReports } from "./sum-reports.ts";

const texts = process.argv.slice(2).map((path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
});
const { passed, failed } = sumReports(texts);
console.log(`${passed} ${failed}`);
