import { AgentError } from "#lib/base/errors.ts";
import { HypervisorError } from "./hypervisor-error.ts";

const FULL: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT"]);

/**
 * Runs a call of the port; what the file system threw in it becomes a HypervisorError that names
 * the VM and the remedy.
 */
export async function named<Value>(vm: string, call: () => Promise<Value>): Promise<Value> {
  try {
    return await call();
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    const { code, message, path } = cause as { code?: unknown; message?: unknown; path?: unknown };
    // A bug has no errno and is not to be dressed up as an operating error.
    if (typeof code !== "string") throw cause;
    const where = typeof path === "string" ? path : "the state directory";
    const remedy = FULL.has(code) ? `free space at ${where}` : `see to ${where}`;
    throw new HypervisorError(`VM ${vm}: ${message}: ${remedy}`, { code: "STORAGE", cause });
  }
}
