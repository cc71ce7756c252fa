import { existsSync } from "node:fs";
import type { HostId, MoveId } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import type { QemuFacts } from "./facts.ts";
import { type GuestPaths, removeSockets } from "./guest-paths.ts";
import { launchGuest } from "./guest-process.ts";
import type { GuestRole } from "./guest-record.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import { qemuArguments } from "./qemu-command.ts";
import type { QemuSettings } from "./qemu-options.ts";
import { unitName } from "./systemd-unit.ts";
import { tapName } from "./tap-device.ts";

/** There where systemd runs the machine (sd_booted(3)). */
const SYSTEMD_RUNS = "/run/systemd/system";

export interface LaunchOrder {
  readonly spec: VmSpec;
  readonly role: GuestRole;
  readonly moveId: MoveId | null;
  readonly peer: HostId | null;
  readonly machineType: string;
  readonly memoryPath: string;
}

export interface SpawnParts {
  readonly settings: QemuSettings;
  readonly paths: GuestPaths;
  readonly facts: QemuFacts;
}

/** Starts QEMU as ordered; sockets that an earlier process left behind go first. */
export async function spawnGuest(
  order: LaunchOrder,
  { settings, paths, facts }: SpawnParts,
): Promise<ProcessIdentity> {
  const { spec, moveId, peer } = order;
  await removeSockets(paths);
  const args = qemuArguments({
    spec,
    accelerator: facts.accelerator,
    machineType: order.machineType,
    cpuModel: settings.cpuModel ?? (facts.accelerator === "kvm" ? "host" : null),
    memoryPath: order.memoryPath,
    monitorPath: paths.monitor,
    serialPath: paths.serial,
    agentPath: paths.agent,
    tap: tapName(spec),
    incoming: order.role !== "own",
    move: moveId === null || peer === null ? null : { moveId, peer },
  });
  return launchGuest({
    vm: spec.name,
    binary: settings.qemuBinary,
    args,
    folder: paths.folder,
    outputPath: paths.output,
    unit: (settings.systemd ?? existsSync(SYSTEMD_RUNS)) ? unitName(spec.name, moveId) : null,
    log: settings.log,
  });
}
