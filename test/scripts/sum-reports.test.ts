import { expect, it } from "vitest";
import { sumReports } from "../../scripts/sum-reports.ts";

function report(numPassedTests: number, numFailedTests: number, success: boolean): string {
  return JSON.stringify({ numPassedTests, numFailedTests, success });
}

it.each([
  { name: "adds up runs", given: [report(3, 0, true), report(2, 1, false)], expect: [5, 1] },
  { name: "counts a run that failed outside a test", given: [report(3, 0, false)], expect: [3, 1] },
  { name: "counts a missing report", given: [report(3, 0, true), ""], expect: [3, 1] },
  { name: "counts a report of another shape", given: ["[]", "null", "{}"], expect: [0, 3] },
  { name: "is nothing for no runs", given: [], expect: [0, 0] },
])("sumReports() $name", ({ given, expect: [passed, failed] }) => {
  expect(sumReports(given)).toEqual({ passed, failed });
});

it("sumReports() counts a file that did not load beside one with a failed test", () => {
  const testResults = [
    { status: "failed", assertionResults: [] },
    { status: "failed", assertionResults: [{ status: "failed" }] },
    { status: "passed", assertionResults: [{ status: "passed" }] },
  ];
  const text = JSON.stringify({
    numPassedTests: 1,
    numFailedTests: 1,
    success: false,
    testResults,
  });
  expect(sumReports([text])).toEqual({ passed: 1, failed: 2 });
});
