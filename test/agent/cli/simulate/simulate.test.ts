import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../../support/api-fixture.ts";
import { bitbrainsBytes } from "../../../support/packed-traces.ts";
import { runCli } from "../../../support/run-cli.ts";

const nodes = ["a", "b", "c"].map((name) => ({
  name,
  cores: 8,
  memMiB: 32_768,
  reservedMiB: 1_024,
}));
const vms = Array.from({ length: 6 }, (_, index) => {
  return { name: `web-${index}`, node: "a", cores: 1, mem: 2_048, vcpu: 1, disk: 0 };
});
const csv = ["vm,second,cpu_cores,memory_mib", "x,0,3,512", "y,0,3,512", "x,60,0,256", ""].join(
  "\n",
);

function fileOf(content: string | Uint8Array, name = "input"): string {
  const file = join(temporaryDirectory(), name);
  writeFileSync(file, content);
  return file;
}

const clusterFile = () => fileOf(JSON.stringify({ nodes, vms }), "mine.json");

function simulate(...words: readonly string[]) {
  return runCli(["simulate", ...words]);
}

async function jsonOf(...words: readonly string[]) {
  const { code, out, err } = await simulate(...words, "--json");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out);
}

/** What is measured of the process is another each time. */
function withoutProcess({ cpuSeconds, peakRssBytes, ...rest }: Record<string, unknown>) {
  expect(cpuSeconds).toBeGreaterThan(0);
  expect(peakRssBytes).toBeGreaterThan(10_000_000);
  return rest;
}

describe("evenkeel simulate --json", () => {
  it("prints one object with what came of a cluster file", async () => {
    const result = await jsonOf("--cluster", clusterFile(), "--seconds", "60");
    expect(Object.keys(result)).toEqual([
      ...["hosts", "vms", "moves", "movedBytes", "secondsTo95", "before", "after", "placement"],
      ...["refusals", "moveLog", "messagesPerHostPerSecond", "bytesPerHostPerSecond"],
      ...["violations", "cpuSeconds", "peakRssBytes"],
      ...["seconds", "seed", "contentionVmSeconds", "central", "faults", "vmsDown", "violationLog"],
    ]);
    expect(result).toMatchObject({ hosts: 3, vms: 6, violations: 0, seconds: 60, seed: 1 });
    expect(result.before.cpuSd).toBeCloseTo(0.75 * Math.sqrt(2 / 9), 12);
    expect(result.before.memMax).toBeCloseTo(13 / 32, 12);
    expect(result.after.cpuSd).toBeLessThan(0.1);
    expect(Object.keys(result.placement).sort()).toEqual(vms.map(({ name }) => name));
    expect(new Set(Object.values(result.placement))).toEqual(new Set(["a", "b", "c"]));
    expect(Object.keys(result.moveLog[0])).toEqual([
      ...["second", "vm", "from", "to", "gain", "cost", "reason"],
    ]);
  });

  it("prints the same again with the same seed", async () => {
    const words = ["--hosts", "6", "--vms-per-host", "4", "--seconds", "40", "--noise", "0.1"];
    const [first, again, other] = [
      await jsonOf(...words, "--seed", "5", "--loss", "0.1", "--faults", "random"),
      await jsonOf(...words, "--seed", "5", "--loss", "0.1", "--faults", "random"),
      await jsonOf(...words, "--seed", "6", "--loss", "0.1", "--faults", "random"),
    ];
    expect(withoutProcess(again)).toEqual(withoutProcess(first));
    expect(withoutProcess(other)).not.toEqual(withoutProcess(first));
    expect(first.faults.length).toBeGreaterThanOrEqual(6);
  });

  it("grants no more moves than it is told to", async () => {
    const words = ["--cluster", clusterFile(), "--seconds", "60"];
    expect((await jsonOf(...words, "--max-moves", "2")).moves).toBe(2);
    expect((await jsonOf(...words, "--gain-min", "100")).moves).toBe(0);
  });

  it("replays a recording, and tells contention in its own seconds", async () => {
    const result = await jsonOf(
      ...["--trace", fileOf(csv), "--hosts", "1", "--host-cores", "4", "--trace-speed", "2"],
    );
    expect(result).toMatchObject({ seconds: 60, vms: 2, moves: 0, secondsTo95: null });
    // Two VMs ask for six of four cores for a minute.
    expect(result.contentionVmSeconds).toBeGreaterThanOrEqual(116);
    expect(result.contentionVmSeconds).toBeLessThanOrEqual(120);
    expect(result.after.cpuMax).toBe(0.75);
  });

  it("replays packed recordings, zipped, from and to a second", async () => {
    const vm = { cores: 2, memoryMiB: 512, memory: [100, 100, 100] };
    const bytes = bitbrainsBytes([
      { ...vm, id: 1, cpu: [0, 10_000, 0] },
      { ...vm, id: 2, cpu: [0, 5_000, 0] },
    ]);
    const result = await jsonOf(
      ...["--trace", fileOf(gzipSync(bytes)), "--hosts", "2", "--host-cores", "4"],
      ...["--from", "300", "--to", "420", "--trace-speed", "4"],
    );
    expect(result).toMatchObject({ seconds: 30, vms: 2 });
    expect(result.before.cpuMax).toBe(0.5);
  });
});

describe("evenkeel simulate", () => {
  it("prints what came of it for a person", async () => {
    const { code, out, err } = await simulate("--cluster", clusterFile(), "--seconds", "60");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(
      /^evenkeel simulate {2}3 hosts, 6 VMs \(mine.json\), 1 min of virtual time/,
    );
    expect(out).toMatch(/^before +0\.354 +75 % +0\.177 +41 %$/m);
    expect(out).toMatch(/^after .* \d+$/m);
    expect(out).toMatch(/^central greedy .* 4$/m);
    expect(out).toMatch(/95 % of what the central greedy improves after \d+ s/);
    expect(out).toContain("nothing went wrong");
    expect(out).toMatch(/^SECOND +VM +FROM +TO +GAIN +COST +REASON$/m);
    expect(out).toMatch(/^a +█+▓+░* +75 % -> \d+ %/m);
  });

  it("says what faults did, and leaves many hosts to the picture", async () => {
    const { out } = await simulate(
      "--hosts",
      "41",
      "--vms-per-host",
      "1",
      "--seconds",
      "20",
      "--faults",
      "restart,hang",
    );
    expect(out).toMatch(/^2 faults \(1 restart, 1 hang\); 0 VMs lost/m);
    expect(out).not.toContain("HOST ");
  });

  it("shows progress on a terminal in a line that it takes away", async () => {
    let nowMs = 0;
    const live = { live: true, nowMs: () => (nowMs += 60) };
    const { rewritten, out } = await runCli(
      ["simulate", "--cluster", clusterFile(), "--seconds", "5"],
      live,
    );
    expect(rewritten[0]).toMatch(/^second \d of 5 {2}0 moves {2}spread CPU 0\.354, memory 0\.177$/);
    expect(rewritten.at(-1)).toBe("");
    expect(out).toContain("nothing went wrong");
  });

  it("tells now and then how far it is where there is no terminal, beside the JSON", async () => {
    let nowMs = 0;
    const slow = { nowMs: () => (nowMs += 6_000) };
    const { err, out } = await runCli(
      ["simulate", "--cluster", clusterFile(), "--seconds", "5", "--json"],
      slow,
    );
    expect(err).toMatch(/^simulate: second 2 of 5 /);
    expect(JSON.parse(out).hosts).toBe(3);
  });

  it("draws the loads where it is told to", async () => {
    const plot = join(temporaryDirectory(), "out.svg");
    const { code } = await simulate("--cluster", clusterFile(), "--seconds", "30", "--plot", plot);
    expect(code).toBe(0);
    expect(readFileSync(plot, "utf8")).toMatch(
      /^<svg [\s\S]*3 hosts, 6 VMs \(mine.json\)[\s\S]*<\/svg>\n$/,
    );
  });
});

describe("evenkeel simulate, given what it cannot use,", () => {
  const broken = (content: string | Uint8Array) => () => ["--cluster", fileOf(content)];
  const cluster = (changes: object) => broken(JSON.stringify({ nodes, vms, ...changes }));
  const trace = (content: string | Uint8Array) => () => [
    "--trace",
    fileOf(content),
    "--hosts",
    "2",
  ];
  const made =
    (...words: readonly string[]) =>
    () => ["--hosts", "2", ...words];

  it.each([
    ["nothing", () => [], /say which cluster: --cluster FILE.json, --hosts N/],
    ["two sources", () => ["--cluster", "x", "--trace", "y"], /--cluster and --trace exclude/],
    [
      "a file and a size",
      () => ["--cluster", "x", "--hosts", "3"],
      /--hosts does not go with --cluster/,
    ],
    [
      "a recording and a skew",
      () => ["--trace", "x", "--hosts", "3", "--skew", "1"],
      /--skew does not go/,
    ],
    ["a made-up recording", made("--from", "3"), /--from does not go with a made-up cluster/],
    ["a recording and no hosts", () => ["--trace", "x"], /--trace needs --hosts N/],
    ["no such file", () => ["--cluster", "none.json"], /cannot read none.json: .*ENOENT/],
    ["a folder", () => ["--cluster", temporaryDirectory()], /cannot read .*EISDIR/],
    ["half a file", broken('{"nodes": [{"na'), /input: this is no JSON/],
    ["an empty file", broken(""), /input: this is no JSON/],
    ["bytes", broken(new Uint8Array([0, 1, 2])), /input: this is no JSON/],
    ["half a gzip", broken(gzipSync("{}").subarray(0, 12)), /it is no whole gzip file/],
    ["an empty cluster", cluster({ nodes: [] }), /input: nodes: the list is empty/],
    ["a VM nowhere", cluster({ nodes: nodes.slice(1) }), /vms\[0\].node: "web-0" is on "a"/],
    [
      "a negative load",
      cluster({ vms: [{ ...vms[0], cores: -1 }] }),
      /vms\[0\].cores: .* found -1/,
    ],
    ["a twin", cluster({ vms: [vms[0], vms[0]] }), /vms\[1\].name: there are two named "web-0"/],
    ["another table", trace("a;b\n"), /line 1: expected the header/],
    ["a half sample", trace(`${csv}z,0,1`), /line 5: expected 4 cells/],
    ["a cut recording", trace(new TextEncoder().encode("PLB1\u0001")), /it was cut off/],
    [
      "a late beginning",
      () => ["--trace", fileOf(csv), "--hosts", "1", "--from", "999"],
      /--from 999 is beyond/,
    ],
    [
      "an end before it",
      () => ["--trace", "x", "--hosts", "1", "--from", "9", "--to", "9"],
      /--to 9 must be later/,
    ],
    [
      "small hosts",
      () => ["--trace", fileOf(csv), "--hosts", "1", "--host-memory-gib", "0.5"],
      /do not fit/,
    ],
    ["no hosts", () => ["--hosts", "0"], /--hosts 0: expected a number from 1 to/],
    ["half a host", () => ["--hosts", "2.5"], /--hosts 2.5: expected a whole number/],
    ["hosts in words", () => ["--hosts", "many"], /--hosts many: expected a number/],
    ["too many VMs", () => ["--hosts", "20000", "--vms-per-host", "999"], /more than 400000 VMs/],
    ["hexadecimal", made("--seed", "0x10"), /--seed 0x10: expected a number/],
    ["no seed", made("--seed", ""), /--seed : expected a number/],
    ["NaN", made("--noise", "NaN"), /--noise NaN: expected a number from 0 to 1/],
    ["much noise", made("--noise", "2"), /--noise 2: expected a number from 0 to 1/],
    ["negative loss", made("--loss", "-0.1"), /--loss -0.1: expected/],
    ["no time", made("--seconds", "0"), /--seconds 0: expected/],
    ["infinity", made("--seconds", "Infinity"), /--seconds Infinity: expected/],
    ["a negative number of moves", made("--max-moves", "-1"), /--max-moves -1: expected/],
    ["an unknown fault", made("--faults", "crash,flood"), /"flood" is none of crash, disk/],
    ["nowhere to draw", made("--plot", "/none/x.svg"), /cannot write \/none\/x.svg: .*ENOENT/],
    ["a folder to draw on", () => made("--plot", temporaryDirectory())(), /cannot write .*EISDIR/],
  ])("ends with 2 and one line: %s", async (_, words, message) => {
    const { code, out, err } = await simulate(...words());
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(message);
    expect(err).toMatch(/^evenkeel: [^\n]+$/);
  });

  it("names a file that it may not read", async () => {
    const file = clusterFile();
    chmodSync(file, 0);
    const { code, err } = await simulate("--cluster", file, "--seconds", "1");
    // Root may read everything.
    if (process.getuid?.() === 0) expect(code).toBe(0);
    else expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining("EACCES") });
  });

  it("does not touch a drawing when the cluster cannot be read", async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "kept"));
    const plot = fileOf("old", "old.svg");
    await simulate("--cluster", "none.json", "--plot", plot);
    expect(readFileSync(plot, "utf8")).toBe("old");
  });
});
