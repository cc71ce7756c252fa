/**
 * The code checks itself: what neither the compiler nor the linter can say about the repository.
 * Lists in here are ratchets: an entry may leave, a new one needs a reason beside it.
 */
import { globSync, readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, it } from "vitest";

const LINES_MAX = 400;

const DEPENDENCY_REASONS: Readonly<Record<string, string>> = {
  "@chainsafe/libp2p-gossipsub": "news to all hosts; its known name, the maintained continuation",
  "@libp2p/crypto": "the host's key: made once, read at start, signs records",
  "@libp2p/identify": "peers tell each other their protocols; gossipsub needs it",
  "@libp2p/mdns": "finds the first peer on a local network without configuration",
  "@libp2p/noise": "encrypts and authenticates connections",
  "@libp2p/peer-id": "reads a peer's name from text and from its key",
  "@libp2p/pnet": "the cluster key keeps strangers out before any protocol runs",
  "@libp2p/tcp": "connections between hosts",
  "@libp2p/yamux": "several streams on one connection",
  "@multiformats/multiaddr": "addresses in libp2p's form",
  "@xmldom/xmldom": "reads libvirt's XML by the standard's own interface; needs nothing else",
  commander: "parses the command's arguments and writes its help",
  "console-table-printer": "tables of the command; aligns wide characters",
  libp2p: "the node that the above are parts of",
  msgpackr: "bytes of messages, half the size of JSON and faster",
  pino: "structured log lines at little cost",
  "prom-client": "the metrics page in Prometheus' format",
  yaml: "reads the configuration file and keeps line numbers for errors",
  zod: "checks the configuration and API bodies with readable messages",
};

const TOP_LEVEL = [
  "CHANGELOG.md",
  "LICENSE",
  "README.md",
  "agent",
  "biome.json",
  "knip.config.ts",
  "lib",
  "package-lock.json",
  "package.json",
  "scripts",
  "systemd",
  "test",
  "tsconfig.json",
  "vitest.config.ts",
];

/** What .gitignore keeps out of the repository but tools leave at the top. */
const IGNORED_TOP_LEVEL = ["coverage", "dist", "node_modules"];

/** Files under lib/ that run code and are named in no test. Shrink this list; do not grow it. */
const LIB_WITHOUT_TEST: readonly string[] = [];

const sources = globSync("{agent,lib,scripts,test}/**/*.{ts,c,grit,sh}").sort();
const texts = [
  ...sources,
  ...globSync("*.{md,json,ts}"),
  ...globSync("systemd/*"),
  ...globSync("scripts/*"),
  ...globSync("scripts/package/*"),
  ".npmrc",
  ".ci/run",
].filter((path) => basename(path).includes(".") || isScript(path));

describe("the repository", () => {
  it("has a reason for each runtime dependency", () => {
    const manifest = JSON.parse(read("package.json"));
    expect(Object.keys(manifest.dependencies).sort()).toEqual(
      Object.keys(DEPENDENCY_REASONS).sort(),
    );
  });

  it("has only known names at the top", () => {
    const strangers = readdirSync(".")
      .filter((name) => !name.startsWith(".") && !name.endsWith(".log"))
      .filter((name) => ![...TOP_LEVEL, ...IGNORED_TOP_LEVEL].includes(name));
    expect(strangers).toEqual([]);
  });

  it("takes packages from npm's own registry only", () => {
    const addresses = read("package-lock.json").match(/"resolved": "[^"]+"/g) ?? [];
    const foreign = addresses.filter((line) => !line.includes('"https://registry.npmjs.org/'));
    expect(foreign).toEqual([]);
    expect(read(".npmrc")).not.toMatch(/registry\s*=|https?:/);
  });

  it("names no path of a machine it was written on", () => {
    // Put together from pieces, or this file would find itself.
    const machinePaths = [["", "work", ""].join("/"), ["", "tmp", "plan"].join("/")];
    expect(filesWith((text) => machinePaths.some((path) => text.includes(path)))).toEqual([]);
  });
});

describe("the sources", () => {
  it("leave no note of unfinished work", () => {
    const note = new RegExp(`\\b(${["FIX", "TO"].join("ME|")}DO)\\b`);
    expect("TO".concat("DO")).toMatch(note);
    expect("FIX".concat("ME")).toMatch(note);
    expect(filesWith((text) => note.test(text), sources)).toEqual([]);
  });

  it("stay short enough to read in one sitting", () => {
    expect(filesWith((text) => text.split("\n").length - 1 > LINES_MAX, sources)).toEqual([]);
  });

  it("give errors only codes that the README lists", () => {
    const readme = read("README.md");
    const codes = sources
      .filter((path) => /^(agent|lib)\//.test(path))
      .flatMap((path) => [
        ...read(path).matchAll(/readonly code = "([A-Z_]+)"/g),
        ...(path.endsWith("hypervisor-error.ts") ? read(path).matchAll(/\| "([A-Z_]+)"/g) : []),
      ])
      .map((match) => match[1] ?? "");
    expect(codes.length).toBeGreaterThan(10);
    const unlisted = [...new Set(codes)].filter((code) => !readme.includes(`\`${code}\``));
    expect(unlisted).toEqual([]);
  });

  it("of lib are each named in a test", () => {
    const tests = sources.filter((path) => path.startsWith("test/"));
    const testText = tests.map(read).join("\n");
    const untested = sources.filter(
      (path) =>
        path.startsWith("lib/") &&
        runsCode(read(path)) &&
        !tests.includes(`test/${path.replace(/\.ts$/, ".test.ts")}`) &&
        !testText.includes(`#${path}"`),
    );
    expect(untested).toEqual(LIB_WITHOUT_TEST);
  });
});

/** A file of types alone has nothing to test. */
function runsCode(text: string): boolean {
  return /^export (abstract class|class|const|function)\b/m.test(text);
}

function filesWith(isBad: (text: string) => boolean, paths: readonly string[] = texts): string[] {
  return paths.filter((path) => isBad(read(path)));
}

function isScript(path: string): boolean {
  const scripts = [".ci/run", "scripts/deb", "scripts/test", "scripts/quickstart"];
  return scripts.includes(path) || /^scripts\/package\/[a-z]+$/.test(path);
}

function read(path: string): string {
  return readFileSync(path, "utf8");
}
