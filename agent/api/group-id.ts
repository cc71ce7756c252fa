import { readFileSync } from "node:fs";
import { SocketError } from "./socket-error.ts";

const GROUP_FILE = "/etc/group";

/**
 * The number of a group given by name or number, as group(5) lists it (Node has no getgrnam).
 * Throws SocketError when there is no such group.
 */
export function groupIdOf(group: string, groupFile = GROUP_FILE): number {
  if (/^[0-9]{1,10}$/.test(group)) return Number(group);
  const fields = readFileSync(groupFile, "utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .find(([name]) => name === group);
  const id = Number(fields?.[2]);
  if (fields === undefined || !Number.isInteger(id)) {
    throw new SocketError(
      `there is no group "${group}" for the read socket: create it with \`groupadd --system ${group}\` or change the setting`,
    );
  }
  return id;
}
