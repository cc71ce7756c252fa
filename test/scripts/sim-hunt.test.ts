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
      expect.stringMatching(/^seeds 5 to 6: \d+ faults, \d+ verbs, .* moves: .* no violation$/),
    ]);
  });

  it("comes to the same with two threads as with one", () => {
    const sums = (text: string) => text.replace(/; [\d.]+ virtual hours.*/, "");
    const [one, two] = [hunt("--seeds", "42"), hunt("--seeds", "42", "--jobs", "2")];
    const last = (text: string) => sums(text.split("\n").at(-1) ?? "");
    expect(two.status).toBe(0);
    expect(last(two.out)).toBe(last(one.out));
  });

  it("ends with the line that replays the violation, which is the same again", () => {
    const found = hunt("--seeds", "5", "--bug", "discards-early");
    expect([found.status, found.error]).toEqual([1, expect.stringMatching(/^never-lost: .*vm-/)]);
    const command = /replay: npm run -s sim -- (.*)$/.exec(found.error)?.[1] ?? "";
    const again = hunt(...command.split(" "), "--quiet");
    expect(again).toEqual({ status: 1, out: "", error: found.error });
  });

  it("replays one seed of a cell, with its trace unless that is not wanted", () => {
    const cell = ["--seed", "3", "--scenario", "held x link cut"];
    const plain = hunt(...cell, "--quiet");
    expect([plain.status, plain.out]).toEqual([
      0,
      expect.stringMatching(/^seed 3, held x link cut: no violation; the VM runs at: \w+$/),
    ]);
    expect(hunt(...cell).out).toMatch(/SimHost11112 +durable: move\/web\S+ held/);
  });

  it.each([
    [[], /give --seeds N/],
    [["--seeds", "many"], /--seeds wants a whole number, not "many"/],
    [["--seed", "1", "--scenario", "nonsense"], /there is no scenario "nonsense"/],
    [["--seeds", "1", "--jobs", "0"], /--jobs wants 1 to 64/],
    [["--seeds", "1", "--bug", "nonsense"], /there is no bug "nonsense" to plant; there are: /],
    [["--sedes", "1"], /sedes/],
  ])("exits 2 with one line on %j", (args, message) => {
    const { status, error } = hunt(...args);
    expect([status, error.split("\n")]).toEqual([2, [expect.stringMatching(message)]]);
  });
});
