import type { TransferLimits } from "#lib/model/host-op.ts";
import type { Guest } from "./guest.ts";

/** QEMU's own cap is 128 MiB/s; "no cap" has to be said as a number that no link reaches. */
const UNCAPPED_BYTES_PER_SECOND = 2 ** 40;
/** QEMU refuses more (MAX_MIGRATE_DOWNTIME, 2000 s). */
const DOWNTIME_MS_MAX = 2_000_000;

/** How a guest's state travels: a move takes its memory along, a save leaves it in its file. */
export type Passage = "move" | "save";

/**
 * Sets the capabilities of the next migration, in or out. The return path lets the source see that
 * the target has it all; late-block-activate leaves the disks to whoever runs the guest.
 */
export async function setPassage(guest: Guest, passage: Passage): Promise<void> {
  const isMove = passage === "move";
  const capabilities = {
    events: true,
    "x-ignore-shared": !isMove,
    "return-path": isMove,
    "late-block-activate": true,
    "auto-converge": isMove,
  };
  await guest.execute("migrate-set-capabilities", {
    capabilities: Object.entries(capabilities).map(([capability, state]) => ({
      capability,
      state,
    })),
  });
}

export async function setLimits(
  guest: Guest,
  limits: Pick<TransferLimits, "bandwidthBytesPerSecond" | "downtimeMs">,
): Promise<void> {
  await guest.execute("migrate-set-parameters", {
    "max-bandwidth": Math.floor(limits.bandwidthBytesPerSecond) || UNCAPPED_BYTES_PER_SECOND,
    "downtime-limit": Math.min(Math.max(Math.floor(limits.downtimeMs), 1), DOWNTIME_MS_MAX),
  });
}
