import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Check, type Finding, ok, warn, wordsOf } from "./finding.ts";

const run = promisify(execFile);
const ANSWER_MS_MAX = 3_000;
const PROPERTIES = ["NTPSynchronized", "NTP"];

/**
 * No decision hangs on a wall clock, but guests get their time from their host: a clock that is off
 * shows in every guest that was suspended or moved.
 */
export const checkClock: Check = async () => {
  try {
    const args = ["show", ...PROPERTIES.map((name) => `--property=${name}`)];
    const { stdout } = await run("timedatectl", args, { timeout: ANSWER_MS_MAX });
    return [clockFinding(stdout)];
  } catch (error) {
    return [ok("clock", `not judged: ${wordsOf(error).split("\n")[0]}`)];
  }
};

/** What `timedatectl show` says of the clock. */
export function clockFinding(shown: string): Finding {
  if (/^NTPSynchronized=yes$/m.test(shown)) return ok("clock", "kept by a time server");
  const remedy = /^NTP=yes$/m.test(shown)
    ? "timedatectl timesync-status: does the time server answer?"
    : "apt-get install systemd-timesyncd (or chrony); timedatectl set-ntp true";
  return warn("clock", "not kept by a time server: it drifts, and guests take it over", remedy);
}
