import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { HypervisorError } from "../hypervisor-error.ts";

const run = promisify(execFile);
const TIMEOUT_MS = 10_000;
/** An interface's name has at most 15 characters (IFNAMSIZ). */
const HASH_DIGITS = 12;

/** The host's end of a bridged guest's cable; null for other networks. */
export function tapName(spec: VmSpec): string | null {
  if (spec.network.kind !== "bridge") return null;
  const hash = createHash("sha256").update(spec.name).digest("hex");
  return `ek-${hash.slice(0, HASH_DIGITS)}`;
}

/**
 * Makes the tap device and plugs it into the bridge. The driver does it, not QEMU's bridge helper,
 * since QEMU may start no process in its sandbox.
 */
export async function plugTap(spec: VmSpec): Promise<void> {
  const tap = tapName(spec);
  if (tap === null || spec.network.kind !== "bridge") return;
  await unplugTap(spec);
  try {
    await ip("tuntap", "add", "dev", tap, "mode", "tap");
    await ip("link", "set", "dev", tap, "master", spec.network.bridge, "up");
  } catch (cause) {
    await unplugTap(spec);
    const words = `VM ${spec.name}: cannot plug ${tap} into ${spec.network.bridge} (needs CAP_NET_ADMIN)`;
    throw new HypervisorError(words, { code: "VM_SPEC", cause });
  }
}

export async function unplugTap(spec: VmSpec): Promise<void> {
  const tap = tapName(spec);
  if (tap === null) return;
  await ip("link", "delete", "dev", tap).catch(() => {
    // Not there: what was asked for.
  });
}

async function ip(...args: string[]): Promise<void> {
  await run("ip", args, { timeout: TIMEOUT_MS });
}
