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
  const total = failed + countUnloadedFiles(report?.["testResults"]);
  // An error that nobody caught fails the run without failing a test or a file.
  return { passed, failed: total === 0 && report?.["success"] !== true ? 1 : total };
}

/** Files that failed although none of their tests did: they did not load, or a hook threw. */
function countUnloadedFiles(files: unknown): number {
  if (!Array.isArray(files)) return 0;
  return files.filter(
    (file) =>
      file?.status === "failed" &&
      !file.assertionResults?.some((test: { status?: unknown }) => test.status === "failed"),
  ).length;
}

function parseReport(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
