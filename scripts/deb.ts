/**
 * Builds the Debian package: `scripts/deb [--out DIR] [--version VERSION] [--fast]`.
 *
 * Responsible for: everything that `dpkg -i` puts on a host: the bundled agent and command, the Node
 * that runs them, systemd's unit, manual, completions, scripts around installing.
 * How: files are laid out in a temporary folder, each with its mode and one time, and packed by
 * dpkg-deb. The same sources, Node and SOURCE_DATE_EPOCH (else the time of the last commit) give the
 * same bytes. Manual and completions are made from the command's own definition and the schema of
 * the configuration.
 * It never: uses the network, or takes anything from this machine but Node and these tools.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { layOutPackage } from "./package/lay-out-package.ts";

const CHECKOUT = resolve(import.meta.dirname, "..");

/** xz takes a minute and makes 28 MB; for a package that only a test installs, a second and 44 MB. */
const COMPRESSION = {
  release: ["-Zxz", "-z6"],
  fast: ["-Zzstd", "-z1"],
} as const;

/** A version as dpkg takes it (deb-version(7)), without epoch. */
const VERSION_FORM = /^[0-9][A-Za-z0-9.+~-]{0,60}$/;

const help = `Usage: scripts/deb [--out DIR] [--version VERSION] [--fast]

Builds evenkeel_<version>_amd64.deb in dist/, without network.

  --out DIR          another folder than dist/
  --version VERSION  another version than package.json's
  --fast             pack in a second instead of a minute; the file is larger by half
`;

function main(): void {
  const { values } = parseArgs({
    options: {
      out: { type: "string", default: join(CHECKOUT, "dist") },
      version: { type: "string" },
      fast: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  if (process.arch !== "x64")
    throw new Error(`deb: builds for amd64 only, this is ${process.arch}`);
  const version = values.version ?? ownVersion();
  if (!VERSION_FORM.test(version)) throw new Error(`deb: ${version} is no version that dpkg takes`);
  const file = join(values.out, `evenkeel_${version}_amd64.deb`);
  mkdirSync(values.out, { recursive: true });
  const root = mkdtempSync(join(tmpdir(), "evenkeel-deb-"));
  try {
    const { installedBytes } = layOutPackage({ root, checkout: CHECKOUT, version, epochSeconds });
    pack(root, file, values.fast ? "fast" : "release");
    const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
    const sizes = `${megabytes(statSync(file).size)}, installed ${megabytes(installedBytes)}`;
    process.stdout.write(`deb: ${file} ${sizes}\n`);
  } finally {
    rmSync(root, { recursive: true });
  }
}

function ownVersion(): string {
  return String(JSON.parse(readFileSync(join(CHECKOUT, "package.json"), "utf8")).version);
}

/** The one time that every file bears: SOURCE_DATE_EPOCH, else the last commit's, else 1980. */
const epochSeconds = readEpochSeconds();

function readEpochSeconds(): number {
  const given = process.env["SOURCE_DATE_EPOCH"];
  if (given !== undefined && /^\d{1,11}$/.test(given)) return Number(given);
  try {
    const git = ["-C", CHECKOUT, "log", "-1", "--format=%ct"];
    return Number(execFileSync("git", git, { stdio: ["ignore", "pipe", "ignore"] }));
  } catch {
    return 315_532_800;
  }
}

/** One thread: how many there are would change the bytes. */
function pack(root: string, file: string, speed: keyof typeof COMPRESSION): void {
  const options = ["--root-owner-group", "--threads-max=1", ...COMPRESSION[speed]];
  execFileSync("dpkg-deb", [...options, "--build", root, file], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, SOURCE_DATE_EPOCH: String(epochSeconds) },
  });
}

main();
