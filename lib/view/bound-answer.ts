import type { HostRecord } from "../model/record.ts";
import { wireLimits } from "../wire/limits.ts";
import type { Received } from "./host-records.ts";

/**
 * The newest records that fit one message, newest first; what is left over is asked for again by
 * the next digest. At least one is returned when there is any.
 */
export function boundAnswer(
  received: readonly Pick<Received<HostRecord>, "record" | "receivedAtMs">[],
  vmsMax: number,
): readonly HostRecord[] {
  const newestFirst = [...received].sort((a, b) => b.receivedAtMs - a.receivedAtMs);
  const records: HostRecord[] = [];
  let vms = 0;
  for (const { record } of newestFirst) {
    if (records.length >= wireLimits.recordsMax) break;
    if (record.kind === "inventory") {
      const count = record.body.vms.length;
      // A large one waits for the next exchange; smaller ones behind it may still fit.
      if (vms > 0 && vms + count > vmsMax) continue;
      vms += count;
    }
    records.push(record);
  }
  return records;
}
