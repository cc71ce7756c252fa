import type { VmName } from "#lib/model/ids.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { sleep } from "../sleep.ts";
import type { DomainLook } from "./domain-state.ts";
import { hasProcess } from "./domain-state.ts";
import type { LibvirtParts } from "./libvirt-parts.ts";
import { type DomainJob, parseJob } from "./parse-job.ts";

/** domjobinfo may wait for the end of a migration; then what it would say is read elsewhere. */
const JOB_MS_MAX = 3000;
const LOOK_INTERVAL_MS = 150;

/** The domain's job; undefined where libvirt does not say, for example because the domain is gone. */
export async function readJob(parts: LibvirtParts, vm: VmName): Promise<DomainJob | undefined> {
  try {
    return parseJob(await parts.jobs.ask(["domjobinfo", "--rawstats", vm], JOB_MS_MAX));
  } catch (error) {
    if (error instanceof HypervisorError && error.code !== "HYPERVISOR_MISSING") return undefined;
    throw error;
  }
}

export async function isJobActive(parts: LibvirtParts, vm: VmName): Promise<boolean> {
  return (await readJob(parts, vm))?.isActive ?? false;
}

/**
 * What a migration has left at its source, once it is over: waits until there is no job. `undefined`
 * for no domain. Rejects with TIMED_OUT when it does not end, or the daemon does not answer, in time.
 */
export async function settledLook(
  parts: LibvirtParts,
  vm: VmName,
  msMax: number,
): Promise<DomainLook | undefined> {
  const { clock } = parts.settings;
  const endMs = clock.nowMs() + msMax;
  let cause: unknown;
  for (;;) {
    try {
      const look = await parts.table.look(vm);
      if (look === undefined || !hasProcess(look)) return look;
      const job = await readJob(parts, vm);
      // Undefined: it waited, so there is one, or the domain went while we looked.
      if (job !== undefined && !job.isActive) return (await parts.table.look(vm)) ?? undefined;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (clock.nowMs() > endMs) {
      const why = cause instanceof Error ? cause.message : "the migration is still under way";
      const words = `VM ${vm}: what the move left is not known: ${why}`;
      throw new HypervisorError(words, { code: "TIMED_OUT", cause });
    }
    await sleep(LOOK_INTERVAL_MS, clock);
  }
}
