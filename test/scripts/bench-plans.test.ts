import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";

const script = resolve(import.meta.dirname, "../../scripts/bench-plans.ts");

/** Starting Node with the whole simulator takes a second, and many on a busy machine. */
const SPAWN_MS_MAX = 60_000;

function bench(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

describe("bench:plans", { timeout: SPAWN_MS_MAX }, () => {
  it("says what it skips without the recorded files", () => {
    const { status, stdout } = bench("--only", "c20,bitbrains");
    expect(stdout).toContain("skipped: needs --data DIR with clusters/c20.json");
    expect(stdout).toContain("skipped: needs --data DIR with bitbrains/");
    expect(stdout).toContain("0 met, 0 missed, 2 skipped");
    expect(status).toBe(0);
  });

  it("prints one object a section with --json", () => {
    const [section] = JSON.parse(bench("--only", "c100", "--json").stdout);
    expect(section).toMatchObject({ section: "c100", rows: [{ verdict: "skipped" }] });
  });

  it("refuses sections and options that it does not know, with one line and exit 2", () => {
    for (const args of [["--only", "c20,nonsense"], ["--fast"]]) {
      const { status, stdout, stderr } = bench(...args);
      expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
      expect(stderr.trim().split("\n")).toHaveLength(1);
    }
  });
});
