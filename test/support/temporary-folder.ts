import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A fresh folder (0700) that is removed when the test ends, also when it fails. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "evenkeel-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
