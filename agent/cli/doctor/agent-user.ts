import { spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";

const ASK_MS_MAX = 5_000;
const UNIT = "evenkeel.service";

/** Whom the agent of this host runs as. */
export interface AgentUser {
  readonly uid: number;
  readonly gid: number;
  /** Its own and all others that it has now: what was added since takes a restart. */
  readonly groups: readonly number[];
  readonly name: string;
  /** True where systemd runs it, in what the unit leaves open. */
  readonly isUnit: boolean;
}

/** Null where no agent runs that could be asked. `socket`: the agent's, which belongs to its user. */
export function agentUser(socket: string): AgentUser | null {
  const owner = ownerOf(socket);
  if (owner === null) return null;
  const show = ["show", UNIT, "--property=MainPID", "--value"];
  const pid = said("systemctl", show);
  const status = /^[1-9]\d*$/.test(pid) ? statusOf(pid) : "";
  const uid = numbersIn(status, "Uid")[0];
  const isUnit = uid === owner;
  const groups = isUnit
    ? numbersIn(status, "Groups")
    : said("id", ["-G", `${owner}`])
        .split(" ")
        .map(Number);
  const gid = (isUnit ? numbersIn(status, "Gid")[0] : groups[0]) ?? owner;
  const name = said("id", ["-un", `${owner}`]) || `user ${owner}`;
  return { uid: owner, gid, groups: [gid, ...groups], name, isUnit };
}

/** The command as the agent's user would run it; as it is for a doctor who is no root, or the same. */
export function commandAs(user: AgentUser | null, command: readonly string[]): readonly string[] {
  const isOther = user !== null && user.uid !== 0 && process.getuid?.() === 0;
  if (!isOther) return command;
  const groups = [...new Set(user.groups)].join(",");
  const drop = [`--reuid=${user.uid}`, `--regid=${user.gid}`, `--groups=${groups}`];
  return ["setpriv", ...drop, "--bounding-set=-all", "--", ...command];
}

/** True when the agent's user may do all of these with the path: "r", "w", "x" of test(1). */
export function mayUse(user: AgentUser | null, path: string, rights: string): boolean {
  return [...rights].every((right) => {
    const [file = "", ...args] = commandAs(user, ["test", `-${right}`, path]);
    return spawnSync(file, args, { timeout: ASK_MS_MAX, stdio: "ignore" }).status === 0;
  });
}

function ownerOf(socket: string): number | null {
  try {
    return statSync(socket).uid;
  } catch {
    return null;
  }
}

function statusOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "latin1");
  } catch {
    return "";
  }
}

/** What /proc/PID/status says in one of its lines (proc(5)). */
function numbersIn(status: string, line: string): readonly number[] {
  const words = new RegExp(`^${line}:\\s*(.*)$`, "m").exec(status)?.[1]?.trim() ?? "";
  return words === "" ? [] : words.split(/\s+/).map(Number);
}

function said(command: string, args: readonly string[]): string {
  const { stdout } = spawnSync(command, args, {
    encoding: "utf8",
    timeout: ASK_MS_MAX,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return stdout?.trim() ?? "";
}
