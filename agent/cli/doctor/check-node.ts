import { type Finding, fail, ok } from "./finding.ts";

const NODE_MAJOR_MIN = 24;

/** The agent needs what Node 24 brings: it runs TypeScript and has node:sqlite. */
export function checkNode(version: string): Finding {
  const major = Number(version.replace(/^v/, "").split(".")[0]);
  if (major >= NODE_MAJOR_MIN) return ok("node", version);
  return fail("node", version, `install Node ${NODE_MAJOR_MIN} or newer`);
}
