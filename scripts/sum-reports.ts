/** Tests that passed and failed, summed over several runs. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
}

/** Sums the counts of vitest JSON reports; a report without usable counts is one failure. */
export function sumReports(texts: readonly string[]): TestCounts {
  return texts
    .map(countReport)
    .reduce(
      (sum, next) => ({ passed: sum.passed + next.passed, failed: sum.failed + next.failed }),
      { passed: 0, failed: 0 },
    );
}

function countReport(text: string): TestCounts {
  const report = parseReport(text);
  const passed = report?.["numPassedTests"];
  const failed = report?.["numFailedTests"];
  if (typeof passed !== "number" || typeof failed !== "number") return { passed: 0, failed: 1 };
  // The run itself can fail without a failed test, e.g. when a test file does not load.
  const failedOutsideTests = failed === 0 && report?.["success"] !== true;
  return { passed, failed: failedOutsideTests ? 1 : failed };
}

function parseReport(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
