import { existsSync, readFileSync } from "node:fs";
import type { KnipConfig } from "knip";

/**
 * Until the daemon's entry exists nothing reaches the sources and the dependencies from above, and
 * calling them unused would say nothing. From its first commit on they are judged like the rest.
 */
const daemonExists = existsSync("agent/main.ts");

const config: KnipConfig = {
  entry: [
    "agent/{main,cli}.ts",
    "agent/channel/main.ts",
    "agent/store/journal-worker.ts",
    "scripts/*.ts",
    "test/**/*.ts",
    ...(daemonExists ? [] : ["{agent,lib}/**/*.ts"]),
  ],
  project: ["{agent,lib,scripts,test}/**/*.ts"],
  ignoreDependencies: daemonExists ? [] : allDependencies(),
};

function allDependencies(): string[] {
  const manifest: Record<string, Record<string, string>> = JSON.parse(
    readFileSync("package.json", "utf8"),
  );
  return Object.keys({ ...manifest["dependencies"], ...manifest["devDependencies"] });
}

export default config;
