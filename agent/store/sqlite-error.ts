import { errnoOf, messageOf } from "./node-error.ts";

/** Primary result codes (sqlite.org/rescode.html); the upper bits of a code say more, not other. */
const PRIMARY_CODE_MASK = 0xff;

const PROBLEMS: Readonly<Record<number, { problem: string; remedy: string }>> = {
  5: {
    problem: "is locked by another process",
    remedy: "another agent runs with this state directory: stop it, or give this one its own",
  },
  8: { problem: "cannot be written", remedy: "make the folder and the file writable" },
  10: { problem: "input/output error", remedy: "check the disk (dmesg) and its file system" },
  11: {
    problem: "is damaged",
    remedy:
      "restore it from a backup, or move it aside: guests found running will be in doubt until " +
      "`evenkeel move resolve`",
  },
  13: { problem: "no space left", remedy: "free space on its file system" },
  14: {
    problem: "cannot be opened",
    remedy: "make the folder exist, writable, with space for new files",
  },
};
const NOT_A_DATABASE = 26;
const CORRUPT = 11;

const ERRNO_CODES: Readonly<Record<string, number>> = { EIO: 10, ENOSPC: 13, EDQUOT: 13, EROFS: 8 };

/** One line: which file, what failed, what to do. */
export function explainSqliteError(path: string, action: string, error: unknown): string {
  const code = codeOf(error);
  const known = PROBLEMS[code === NOT_A_DATABASE ? CORRUPT : code];
  const detail = detailOf(error);
  if (!known) return `${path}: cannot ${action} the journal: ${detail}`;
  return `${path}: cannot ${action} the journal: ${known.problem} (${detail}): ${known.remedy}`;
}

function codeOf(error: unknown): number {
  const errno = errnoOf(error);
  if (errno !== undefined && errno in ERRNO_CODES) return ERRNO_CODES[errno] ?? 0;
  if (typeof error !== "object" || error === null || !("errcode" in error)) return 0;
  return Number(error.errcode) & PRIMARY_CODE_MASK;
}

function detailOf(error: unknown): string {
  if (typeof error === "object" && error !== null && "message" in error)
    return String(error.message);
  return messageOf(error);
}
