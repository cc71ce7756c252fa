import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { flush } from "../durable-file.ts";
import { HypervisorError } from "../hypervisor-error.ts";

const run = promisify(execFile);
const ALLOCATE_TIMEOUT_MS = 60_000;
const RANDOM_BYTES = 4;

/** Name of a guest's memory in its folder: where a saved image keeps it, too. */
export const memoryFileName = "memory.ram";

/** Where a guest's memory will lie while it runs; a name of its own in a shared folder. */
export function memoryPathFor(vm: string, folder: string, memoryDirectory?: string): string {
  if (memoryDirectory === undefined) return join(folder, memoryFileName);
  return join(memoryDirectory, `${vm}-${randomBytes(RANDOM_BYTES).toString("hex")}.ram`);
}

/**
 * Makes the memory file with all its blocks reserved: a guest that touches memory on a full disk
 * would die of SIGBUS. Rejects with STORAGE when there is no room.
 */
export async function allocateMemory(path: string, spec: VmSpec): Promise<void> {
  await rm(path, { force: true });
  await mkdir(join(path, ".."), { recursive: true, mode: 0o700 });
  const file = await open(path, "wx", 0o600);
  await file.close();
  try {
    await run("fallocate", ["--length", String(spec.memoryBytes), path], {
      timeout: ALLOCATE_TIMEOUT_MS,
    });
  } catch (cause) {
    await rm(path, { force: true });
    const words = `VM ${spec.name}: no room for its ${spec.memoryBytes} bytes of memory at ${path}`;
    throw new HypervisorError(`${words}: ${lastLine(cause)}`, { code: "STORAGE", cause });
  }
}

/** Copies memory between where it runs and where it is kept, sharing blocks where the disk can. */
export async function copyMemory(from: string, to: string): Promise<void> {
  if (from === to) return flush(to);
  await mkdir(join(to, ".."), { recursive: true, mode: 0o700 });
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  await flush(to);
}

function lastLine(cause: unknown): string {
  const stderr = (cause as { stderr?: unknown }).stderr;
  return typeof stderr === "string" && stderr !== "" ? stderr.trim() : String(cause);
}
