import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";

const timeout = 60_000;

function hunt(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["scripts/sim-hunt.ts", ...args], {
    encoding: "utf8",
    timeout,
  });
  return { status, out: stdout.trim(), error: stderr.trim() };
}

describe("sim-hunt", { timeout }, () => {
  it("ends with a line of totals", () => {
    const { status, out } = hunt("--seeds", "2", "--from", "5");
    expect([status, out.split("\n").at(-1)]).toEqual([
      0,
      expect.stringMatching(/^seeds 5 to 6: \d+ faults, \d+ moves, .* no violation$/),
    ]);
  });

  it("replays one seed of a cell, with its trace when asked", () => {
    const cell = ["--seed", "3", "--scenario", "held x link cut"];
    const plain = hunt(...cell);
    expect([plain.status, plain.out]).toEqual([
      0,
      expect.stringMatching(/^seed 3, held x link cut: no violation; the VM runs at: \w+$/),
    ]);
    expect(hunt(...cell, "--trace").out).toMatch(/SimHost11112 durable: move\/web\S+ held/);
  });

  it.each([
    [[], /give --seeds N/],
    [["--seeds", "many"], /--seeds wants a whole number, not "many"/],
    [["--seed", "1", "--scenario", "nonsense"], /there is no scenario "nonsense"/],
    [["--sedes", "1"], /sedes/],
  ])("exits 2 with one line on %j", (args, message) => {
    const { status, error } = hunt(...args);
    expect([status, error.split("\n")]).toEqual([2, [expect.stringMatching(message)]]);
  });
});
