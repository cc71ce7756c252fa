/** `evenkeel simulate` as an admin runs it: a process of its own, from the sources and bundled. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "evenkeel-simulate-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Runs the command; `script` is the one of the sources, or a bundled one. */
function run(script: string, ...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, "simulate", ...words], {
    encoding: "utf8",
    timeout: 120_000,
    maxBuffer: 2 ** 28,
  });
  return { code: status, out: stdout, err: stderr };
}

const nodes = Array.from({ length: 6 }, (_, index) => {
  return { name: `host${index}`, cores: 16, memMiB: 65_536, reservedMiB: 2_048 };
});
const vms = Array.from({ length: 24 }, (_, index) => {
  const node = index < 12 ? "host0" : `host${1 + (index % 2)}`;
  return {
    name: `vm${index}`,
    mem: 4_096,
    vcpu: 2,
    cores: 1 + (index % 3) / 2,
    node,
    disk: 20_480,
  };
});

describe("evenkeel simulate as a process", () => {
  it("levels a cluster file, draws it, and is the same from the sources and bundled", () => {
    const folder = directory();
    const file = join(folder, "cluster.json");
    const plot = join(folder, "plot.svg");
    writeFileSync(file, JSON.stringify({ nodes, vms }));
    execFileSync(process.execPath, ["scripts/build.ts", "--out", join(folder, "dist")]);
    const words = ["--cluster", file, "--seconds", "120", "--seed", "3", "--json"];
    const results = ["agent/cli.ts", join(folder, "dist", "cli.mjs")].map((script) => {
      const { code, out, err } = run(script, ...words, "--plot", plot);
      expect({ code, err }).toEqual({ code: 0, err: "" });
      const { cpuSeconds, peakRssBytes, ...result } = JSON.parse(out);
      expect(cpuSeconds).toBeGreaterThan(0);
      expect(peakRssBytes).toBeGreaterThan(20_000_000);
      expect(readFileSync(plot, "utf8")).toContain("6 hosts, 24 VMs (cluster.json), seed 3");
      return result;
    });
    expect(results[1]).toEqual(results[0]);
    expect(results[0]).toMatchObject({ hosts: 6, vms: 24, violations: 0 });
    expect(results[0].after.cpuSd).toBeLessThan(results[0].before.cpuSd / 3);
  });

  it("survives faults of every kind without a violation", () => {
    const { code, out } = run(
      "agent/cli.ts",
      ...["--hosts", "10", "--vms-per-host", "5", "--seconds", "200", "--noise", "0.1"],
      ...["--loss", "0.05", "--faults", "random", "--json"],
    );
    expect(code).toBe(0);
    const { violations, violationLog, faults } = JSON.parse(out);
    expect({ violations, violationLog }).toEqual({ violations: 0, violationLog: [] });
    expect(faults.length).toBeGreaterThanOrEqual(6);
  });

  it("ends with 2 and one line for a file that is no cluster", () => {
    const file = join(directory(), "broken.json");
    writeFileSync(file, '{"nodes": [{"name": "a", "cores": -4');
    const { code, out, err } = run("agent/cli.ts", "--cluster", file);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(/^evenkeel: .*broken\.json: this is no JSON: .*\n$/);
  });

  it("takes a closed pipe for the end of the reader's interest", () => {
    const command = `${process.execPath} agent/cli.ts simulate --hosts 4 --seconds 5 | head -1`;
    const { status, stdout, stderr } = spawnSync("sh", ["-c", command], { encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^evenkeel simulate {2}4 hosts/);
  });
});
