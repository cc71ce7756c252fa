import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Files that licences stand in. */
const LICENCE_NAME = /^(licen[cs]e|copying)(-mit|\.md|\.txt)?$/i;

/**
 * Who wrote what is in the package, and under which licence: this project, Node, and each npm
 * package that a bundle holds something of, as the bundles' source maps list them.
 */
export function copyrightFile(checkout: string, mapPaths: readonly string[]): string {
  const names = [...new Set(mapPaths.flatMap(packagesIn))].sort();
  return [
    "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/",
    "Upstream-Name: evenkeel",
    "",
    stanza("*", readFileSync(join(checkout, "LICENSE"), "utf8"), "MIT"),
    nodeStanza(),
    ...names.map((name) => packageStanza(join(checkout, "node_modules", name), name)),
  ].join("\n");
}

/** The npm packages that a source map names, sorted. */
function packagesIn(mapPath: string): readonly string[] {
  const { sources }: { sources: readonly string[] } = JSON.parse(readFileSync(mapPath, "utf8"));
  const names = sources.flatMap((path) => {
    const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
    return name === undefined ? [] : [name];
  });
  return [...new Set(names)].sort();
}

function packageStanza(folder: string, name: string): string {
  const manifest = readManifest(folder);
  const texts = existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => LICENCE_NAME.test(file))
        .sort()
        .map((file) => readFileSync(join(folder, file), "utf8").trim())
    : [];
  const title = `usr/lib/evenkeel/*.mjs (${name} ${manifest["version"] ?? ""}, bundled)`;
  const text = texts.join("\n\n") || `As said in the package.json of ${name}.`;
  return stanza(title, text, String(manifest["license"] ?? "see below"));
}

function readManifest(folder: string): Record<string, unknown> {
  const path = join(folder, "package.json");
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
}

/** npm's package of Node has the program alone. */
function nodeStanza(): string {
  const text =
    `Node.js ${process.version}, copyright Node.js contributors. Its own licence and those of what it ` +
    `is built from: https://github.com/nodejs/node/blob/${process.version}/LICENSE`;
  return stanza("usr/lib/evenkeel/node", text, "MIT, and those of its parts");
}

function stanza(files: string, text: string, licence: string): string {
  const lines = text.trim().split("\n");
  const body = lines.map((line) => (line.trim() === "" ? " ." : ` ${line.trimEnd()}`));
  return `Files: ${files}\nLicense: ${licence}\n${body.join("\n")}\n`;
}
