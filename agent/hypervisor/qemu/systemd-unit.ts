import type { VmName } from "#lib/model/ids.ts";

export interface UnitCommand {
  readonly unit: string;
  readonly workingDirectory: string;
  readonly outputPath: string;
  readonly command: readonly string[];
}

/**
 * The transient unit of a guest. A copy made by a move carries the move's random part, so that two
 * agents on one machine (tests) may hold both copies of a VM.
 */
export function unitName(vm: VmName, moveId: string | null): string {
  const suffix = moveId === null ? "" : `-${moveId.slice(moveId.lastIndexOf(".") + 1)}`;
  return `evenkeel-guest-${vm}${suffix}.service`;
}

/**
 * Arguments of systemd-run(1): the guest gets a unit of its own, outside the agent's control group
 * and sandbox, so that stopping or upgrading the agent leaves it alone.
 */
export function systemdRunArguments(command: UnitCommand): string[] {
  return [
    ...["--quiet", "--collect", `--unit=${command.unit}`, "--service-type=exec"],
    `--property=WorkingDirectory=${command.workingDirectory}`,
    `--property=StandardOutput=append:${command.outputPath}`,
    `--property=StandardError=append:${command.outputPath}`,
    // Stopped after it: at the host's shutdown it ends guests as their policies say.
    "--property=Before=evenkeel-guests.service",
    "--",
    // systemd expands $NAME inside the arguments, and a kernel command line may hold a dollar.
    ...command.command.map((part) => part.replaceAll("$", "$$$$")),
  ];
}
