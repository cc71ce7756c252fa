import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { AgentError } from "#lib/base/errors.ts";
import { errnoOf, messageOf } from "./node-error.ts";
import { syncFolder } from "./sync-folder.ts";

/** Bits of a mode that let anybody but the owner in. */
const OTHERS_MASK = 0o077;
/** Where systemd lets the service's user in by an ACL, the mode shows it as the group's (acl(5)). */
const CREDENTIAL_OTHERS_MASK = 0o037;
const PRIVATE_MODE = 0o600;

type Failure = (message: string, options?: { cause: unknown }) => AgentError;

export interface PrivateFileOptions {
  /** What the file is, for messages. */
  readonly what: string;
  readonly failure: Failure;
}

export interface ReadPrivateFileOptions extends PrivateFileOptions {
  readonly bytesMax: number;
  /** What to do when there is no such file. */
  readonly missingRemedy: string;
  /** systemd handed it over, in a folder that is closed to all but the service's user. */
  readonly isCredential?: boolean;
}

/**
 * The text of a secret's file: a plain file of root or this user, closed to everybody else, at
 * most `bytesMax` long. Checked on the open file, so that it cannot be swapped in between.
 */
export function readPrivateFile(path: string, options: ReadPrivateFileOptions): string {
  const { what, failure, isCredential = false } = options;
  const othersMask = isCredential ? CREDENTIAL_OTHERS_MASK : OTHERS_MASK;
  const fd = openExisting(path, options);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw failure(`${path}: the ${what} is not a plain file`);
    if ((stat.mode & othersMask) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, "0");
      throw failure(`${path}: the ${what} is open to others (mode ${mode}): chmod 600 ${path}`);
    }
    const user = process.getuid?.() ?? 0;
    if (stat.uid !== 0 && stat.uid !== user) {
      throw failure(`${path}: the ${what} belongs to user ${stat.uid}: chown ${user} ${path}`);
    }
    if (stat.size > options.bytesMax) {
      throw failure(`${path}: the ${what} has ${stat.size} bytes, at most ${options.bytesMax}`);
    }
    const bytes = Buffer.alloc(options.bytesMax);
    return bytes.toString("utf8", 0, readSync(fd, bytes));
  } finally {
    closeSync(fd);
  }
}

function openExisting(path: string, options: ReadPrivateFileOptions): number {
  const { what, failure, missingRemedy } = options;
  try {
    // A pipe in the file's place would block the open for ever.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") {
      throw failure(`${path}: no ${what} there: ${missingRemedy}`, { cause });
    }
    throw failure(`${path}: cannot read the ${what}: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Creates a file of mode 0600 that appears whole or not at all, durable when this returns. Throws
 * when the path is taken: a secret is never overwritten. Makes the folder (0700) when it is missing.
 */
export function createPrivateFile(path: string, text: string, options: PrivateFileOptions): void {
  const { what, failure } = options;
  const aside = join(dirname(path), `.${basename(path)}.${process.pid}.new`);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    rmSync(aside, { force: true });
    writeDurably(aside, text);
    publish(aside, path, options);
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    const problem = `${path}: cannot write the ${what}: ${messageOf(cause)}`;
    throw failure(`${problem}${remedyOf(cause)}`, { cause });
  }
}

/** A hard link, unlike a rename, refuses to replace what is there. */
function publish(aside: string, path: string, { what, failure }: PrivateFileOptions): void {
  try {
    linkSync(aside, path);
    syncFolder(dirname(path));
  } catch (cause) {
    if (errnoOf(cause) !== "EEXIST") throw cause;
    const remedy = "remove it first if you mean to replace it";
    throw failure(`${path}: there is a ${what} already: ${remedy}`, { cause });
  } finally {
    rmSync(aside, { force: true });
  }
}

function remedyOf(error: unknown): string {
  const errno = errnoOf(error);
  if (errno === "ENOSPC" || errno === "EDQUOT") return ": free space on its file system";
  if (errno === "EACCES" || errno === "EPERM" || errno === "EROFS") {
    return ": make its folder writable for the agent's user";
  }
  return "";
}

function writeDurably(path: string, text: string): void {
  const fd = openSync(path, "wx", PRIVATE_MODE);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
