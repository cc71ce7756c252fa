import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { bashCompletion } from "./bash-completion.ts";
import { commandManual } from "./command-manual.ts";
import { commandTree } from "./command-tree.ts";
import { configManual } from "./config-manual.ts";
import { controlFile } from "./control-file.ts";
import { copyrightFile } from "./copyright-file.ts";
import { debianChangelog } from "./debian-changelog.ts";
import { fishCompletion } from "./fish-completion.ts";
import { zshCompletion } from "./zsh-completion.ts";

export interface PackageOrder {
  /** An empty folder, to become the package's root. */
  readonly root: string;
  readonly checkout: string;
  readonly version: string;
  /** The time that every file gets, s since 1970. */
  readonly epochSeconds: number;
}

/** What runs: the three bundles; the maps beside them are for developers. */
const BUNDLES = ["agent", "cli", "channel"] as const;
const LIB = "usr/lib/evenkeel";
const DOC = "usr/share/doc/evenkeel";
const MAN = "usr/share/man";
const UNITS = "usr/lib/systemd/system";
const SYSTEMD_UNITS = [
  "evenkeel.service",
  "evenkeel-guests.service",
  "evenkeel-key.path",
  "evenkeel-key.service",
] as const;
const SCRIPTS = ["postinst", "prerm", "postrm"] as const;

const FILE_MODE = 0o644;
const PROGRAM_MODE = 0o755;

/** Puts every file of the package, DEBIAN/ too, into an empty folder. */
export function layOutPackage(order: PackageOrder): { readonly installedBytes: number } {
  const { root, version } = order;
  const bundles = mkdtempSync(join(tmpdir(), "evenkeel-bundles-"));
  try {
    layOutPrograms(order, bundles);
    layOutSystemd(order);
    layOutDocuments(order, bundles);
  } finally {
    rmSync(bundles, { recursive: true });
  }
  const paths = filesUnder(root);
  const sizes = paths.map((path) => lstatSync(path).size);
  const installedBytes = sizes.reduce((sum, size) => sum + size, 0);
  const put = putterOf(order);
  put("DEBIAN/control", controlFile({ version, installedBytes }));
  put("DEBIAN/md5sums", paths.map((path) => `${md5(path)}  ${relative(root, path)}\n`).join(""));
  for (const name of SCRIPTS) put(`DEBIAN/${name}`, source(order, name), PROGRAM_MODE);
  settle(root, order.epochSeconds);
  return { installedBytes };
}

function layOutPrograms(order: PackageOrder, bundles: string): void {
  const put = putterOf(order);
  const build = [join(order.checkout, "scripts/build.ts"), "--out", bundles];
  execFileSync(process.execPath, build, { cwd: order.checkout, stdio: "ignore" });
  for (const name of BUNDLES) put(`${LIB}/${name}.mjs`, readFileSync(join(bundles, `${name}.mjs`)));
  // Command and agent read their version from the manifest beside them.
  put(`${LIB}/package.json`, `${JSON.stringify({ name: "evenkeel", version: order.version })}\n`);
  put("usr/bin/evenkeel", source(order, "evenkeel"), PROGRAM_MODE);
  const node = join(order.root, LIB, "node");
  put(`${LIB}/node`, readFileSync(process.execPath), PROGRAM_MODE);
  // 18 MB of symbols that only a debugger or a native add-on would look for; the agent has none.
  execFileSync("strip", ["--strip-all", node]);
}

function layOutSystemd(order: PackageOrder): void {
  const put = putterOf(order);
  const from = (name: string) => readFileSync(join(order.checkout, "systemd", name));
  for (const name of SYSTEMD_UNITS) {
    put(`${UNITS}/${name}`, from(name));
  }
  put("usr/share/evenkeel/own-user.conf", from("own-user.conf"));
  put("usr/lib/sysusers.d/evenkeel.conf", from("evenkeel.sysusers"));
  put("usr/lib/tmpfiles.d/evenkeel.conf", from("evenkeel.tmpfiles"));
  put(`${DOC}/examples/evenkeel.yaml`, from("evenkeel.yaml"));
}

function layOutDocuments(order: PackageOrder, bundles: string): void {
  const put = putterOf(order);
  const { checkout, version, epochSeconds } = order;
  const date = new Date(epochSeconds * 1000).toISOString().slice(0, 10);
  const tree = commandTree();
  put(`${MAN}/man1/evenkeel.1.gz`, zipped(commandManual(tree, { version, date })));
  put(`${MAN}/man5/evenkeel.yaml.5.gz`, zipped(configManual({ version, date })));
  put("usr/share/bash-completion/completions/evenkeel", bashCompletion(tree));
  put("usr/share/zsh/vendor-completions/_evenkeel", zshCompletion(tree));
  put("usr/share/fish/vendor_completions.d/evenkeel.fish", fishCompletion(tree));
  put(`${DOC}/README.md`, readFileSync(join(checkout, "README.md")));
  put(
    `${DOC}/copyright`,
    copyrightFile(
      checkout,
      BUNDLES.map((name) => join(bundles, `${name}.mjs.map`)),
    ),
  );
  put(`${DOC}/changelog.gz`, zipped(readFileSync(join(checkout, "CHANGELOG.md"), "utf8")));
  put(`${DOC}/changelog.Debian.gz`, zipped(debianChangelog(version, epochSeconds)));
}

function putterOf({ root }: PackageOrder) {
  return (path: string, content: string | Buffer, mode = FILE_MODE): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
    chmodSync(join(root, path), mode);
  };
}

/** A file that stands as it is in scripts/package. */
function source({ checkout }: PackageOrder, name: string): string {
  return readFileSync(join(checkout, "scripts/package", name), "utf8");
}

/** zlib writes no name and no time into the head. */
function zipped(text: string): Buffer {
  return gzipSync(text, { level: 9 });
}

function md5(path: string): string {
  return createHash("md5").update(readFileSync(path)).digest("hex");
}

/** Every file under a folder, sorted. */
function filesUnder(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Neither the umask nor the hour of the build may show. */
function settle(root: string, epochSeconds: number): void {
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) chmodSync(path, PROGRAM_MODE);
    utimesSync(path, epochSeconds, epochSeconds);
  }
  chmodSync(root, PROGRAM_MODE);
  utimesSync(root, epochSeconds, epochSeconds);
}
