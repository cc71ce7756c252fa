/**
 * Bundles each process of the product into one minified file under dist/ (or `--out DIR`).
 *
 * One file instead of node_modules cuts most of the import time and about 20 MB of memory per host.
 */
import { existsSync, rmSync, statSync } from "node:fs";
import { builtinModules } from "node:module";
import { parseArgs } from "node:util";
import { build, type Plugin } from "esbuild";

const DEFAULT_FOLDER = "dist";
const { out: OUT_FOLDER } = parseArgs({
  options: { out: { type: "string", default: DEFAULT_FOLDER } },
}).values;

const ENTRIES: Readonly<Record<string, string>> = {
  agent: "agent/main.ts",
  cli: "agent/cli.ts",
  channel: "agent/channel/main.ts",
};

/** Some dependencies are CommonJS and call `require`, which an ES module has to be given. */
const REQUIRE_BANNER =
  'import { createRequire as evenkeelCreateRequire } from "node:module"; const require = evenkeelCreateRequire(import.meta.url);';

/**
 * Node's modules through `process.getBuiltinModule`: an `import` of one reads all its exports at
 * once, and so loads what hides behind lazy ones (`node:http` has a whole WebSocket client there):
 * more than 10 MB in each process.
 */
const lazyBuiltins: Plugin = {
  name: "lazy-builtins",
  setup: ({ onResolve, onLoad }) => {
    const names = builtinModules.filter((name) => !name.startsWith("node:"));
    const filter = new RegExp(`^(node:)?(${names.join("|")}|sqlite)$`);
    onResolve({ filter }, ({ path }) => ({ path, namespace: "builtin" }));
    onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => {
      const name = JSON.stringify(path.startsWith("node:") ? path : `node:${path}`);
      return { contents: `module.exports = process.getBuiltinModule(${name});` };
    });
  },
};

const present = Object.entries(ENTRIES).filter(([, path]) => existsSync(path));
if (present.length === 0)
  throw new Error("build: none of the entry files exists, nothing to bundle");

// What else lies in a folder of the caller's choice is not ours to remove.
if (OUT_FOLDER === DEFAULT_FOLDER) rmSync(OUT_FOLDER, { recursive: true, force: true });
await build({
  entryPoints: Object.fromEntries(present),
  outdir: OUT_FOLDER,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node24",
  minify: true,
  // Log lines and errors show class names: they have to survive the minifier.
  keepNames: true,
  sourcemap: true,
  plugins: [lazyBuiltins],
  banner: { js: REQUIRE_BANNER },
  // Native speed-up of msgpackr, optional by design: it falls back to JavaScript without it.
  external: ["msgpackr-extract"],
  logLevel: "warning",
});
for (const [name] of present) {
  const sizeKb = Math.round(statSync(`${OUT_FOLDER}/${name}.mjs`).size / 1000);
  console.log(`build: ${OUT_FOLDER}/${name}.mjs ${sizeKb} kB`);
}
