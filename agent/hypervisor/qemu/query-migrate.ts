import type { TransferLook } from "../headway.ts";
import { asRecord } from "./qmp-lines.ts";

/** The answer of `query-migrate` (qapi/migration.json, MigrationInfo), as far as we use it. */
export interface MigrationInfo {
  readonly status: string | undefined;
  readonly error: string | undefined;
  readonly look: TransferLook;
}

const PERCENT = 100;

export function readMigrationInfo(value: unknown): MigrationInfo {
  const info = asRecord(value) ?? {};
  const ram = asRecord(info["ram"]) ?? {};
  const status = info["status"];
  const error = info["error-desc"];
  const dirtyPages = ram["dirty-pages-rate"];
  return {
    status: typeof status === "string" ? status : undefined,
    error: typeof error === "string" ? error : undefined,
    look: {
      transferredBytes: countOf(ram["transferred"]),
      remainingBytes: countOf(ram["remaining"]),
      totalBytes: countOf(ram["total"]),
      dirtyBytesPerSecond:
        typeof dirtyPages === "number" ? dirtyPages * countOf(ram["page-size"]) : null,
      passes: countOf(ram["dirty-sync-count"]),
      throttleShare: countOf(info["cpu-throttle-percentage"]) / PERCENT,
    },
  };
}

function countOf(value: unknown): number {
  return typeof value === "number" && value >= 0 ? value : 0;
}
