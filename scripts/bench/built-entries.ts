import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";

const CHECKOUT = resolve(import.meta.dirname, "../..");
const DIST = join(CHECKOUT, "dist");

/** What the package has in it. */
export const builtEntries = { cli: join(DIST, "cli.mjs"), channel: join(DIST, "channel.mjs") };

/** Makes dist/ of the checkout's sources. */
export function build(): void {
  execFileSync(process.execPath, ["scripts/build.ts"], { cwd: CHECKOUT, stdio: "pipe" });
}
