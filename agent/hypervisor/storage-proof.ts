import { randomBytes } from "node:crypto";
import { open, readdir, readFile, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { MoveId } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { flush } from "./durable-file.ts";
import { HypervisorError } from "./hypervisor-error.ts";

const NONCE_BYTES = 16;
const NONCE_PATTERN = /^[0-9a-f]{32}$/;

/**
 * Source: writes a fresh nonce beside each disk, flushed, so that a target which reads it sees the
 * very same folder. Null for a VM without disks. Older proofs of the same disks are removed.
 */
export async function writeProof(moveId: MoveId, spec: VmSpec): Promise<string | null> {
  if (spec.disks.length === 0) return null;
  await removeProofs(spec);
  const nonce = randomBytes(NONCE_BYTES).toString("hex");
  for (const { path } of spec.disks) {
    const proof = proofPath(path, moveId);
    try {
      await writeReadable(proof, `${nonce}\n`);
      await flush(dirname(proof));
    } catch (cause) {
      const words = `VM ${spec.name}: cannot write ${proof}, which proves that both hosts see the disk`;
      throw new HypervisorError(`${words}: ${(cause as Error).message}`, {
        code: "STORAGE",
        cause,
      });
    }
  }
  return nonce;
}

/** The target's agent may be another user, whatever our umask; a nonce is no secret. */
async function writeReadable(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o644);
  try {
    await file.chmod(0o644);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Target: why the disks here are not the source's, in words; null when they are. */
export async function proofObjection(
  moveId: MoveId,
  spec: VmSpec,
  nonce: string | null,
): Promise<string | null> {
  if (spec.disks.length === 0) return null;
  if (nonce === null || !NONCE_PATTERN.test(nonce)) return "the offer proves nothing of its disks";
  for (const { path } of spec.disks) {
    const seen = await readFile(proofPath(path, moveId), "utf8").catch(() => undefined);
    if (seen?.trim() !== nonce) return `${path} here is not the disk of the source: not shared`;
  }
  return null;
}

/** Removes all proofs of this VM beside its disks, whichever move they were for. */
export async function removeProofs(spec: VmSpec): Promise<void> {
  for (const { path } of spec.disks) {
    // Another VM's may lie beside a base image that both use: move ids begin with the VM's name.
    const prefix = `${basename(path)}.evenkeel-${spec.name}.`;
    for (const name of await readdir(dirname(path)).catch(() => [])) {
      if (name.startsWith(prefix)) await rm(join(dirname(path), name), { force: true });
    }
  }
}

function proofPath(diskPath: string, moveId: MoveId): string {
  return `${diskPath}.evenkeel-${moveId}`;
}
