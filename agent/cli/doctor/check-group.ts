import { readFileSync } from "node:fs";
import { type Check, fail, ok, wordsOf } from "./finding.ts";

const GROUPS_FILE = "/etc/group";

/** A group that is not there keeps the agent from making its reading socket. */
export const checkGroup: Check = async ({ config }) => {
  const { socketGroup } = config;
  if (socketGroup === null) return [];
  try {
    const lines = readFileSync(GROUPS_FILE, "utf8").split("\n");
    if (lines.some((line) => line.startsWith(`${socketGroup}:`))) {
      return [ok("group", `${socketGroup} may read`)];
    }
    const detail = `the group ${socketGroup} (socketGroup) is not there: the agent does not start`;
    return [fail("group", detail, `groupadd --system ${socketGroup}`)];
  } catch (error) {
    return [fail("group", wordsOf(error), `see ${GROUPS_FILE} by hand`)];
  }
};
