import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { VmName } from "#lib/model/ids.ts";
import { HypervisorError } from "../hypervisor-error.ts";

/** Bytes of a UNIX socket's path that the kernel takes (unix(7): 108 with the closing zero). */
const SOCKET_PATH_BYTES_MAX = 107;

/** Where everything of one guest lies. All but the serial log goes when the guest goes. */
export interface GuestPaths {
  readonly folder: string;
  readonly record: string;
  readonly monitor: string;
  /** The target's QEMU listens here for the stream of a move. */
  readonly incoming: string;
  /** Device state passes here on its way to and from the disk. */
  readonly state: string;
  /** The host's end of the port to the agent inside the guest. */
  readonly agent: string;
  /** What QEMU itself says on its error output. */
  readonly output: string;
  readonly manifest: string;
  readonly serial: string;
}

/** Throws HypervisorError VM_SPEC when the folder is too deep for a UNIX socket. */
export function guestPaths(
  stateDirectory: string,
  serialDirectory: string,
  vm: VmName,
): GuestPaths {
  const folder = join(stateDirectory, "guests", vm);
  const paths = {
    folder,
    record: join(folder, "guest.json"),
    monitor: join(folder, "qmp.sock"),
    incoming: join(folder, "in.sock"),
    state: join(folder, "st.sock"),
    agent: join(folder, "qga.sock"),
    output: join(folder, "qemu.log"),
    manifest: join(folder, "image.json"),
    serial: join(serialDirectory, `${vm}.log`),
  };
  if (Buffer.byteLength(paths.monitor) > SOCKET_PATH_BYTES_MAX) {
    throw new HypervisorError(
      `VM ${vm}: ${paths.monitor} is longer than the ${SOCKET_PATH_BYTES_MAX} bytes of a UNIX ` +
        "socket's path: use a shorter state directory or VM name",
      { code: "VM_SPEC" },
    );
  }
  return paths;
}

/** What a process leaves behind in the guest's folder, and the next one needs the names of. */
export async function removeSockets(paths: GuestPaths): Promise<void> {
  for (const path of [paths.monitor, paths.incoming, paths.state, paths.agent]) {
    await rm(path, { force: true });
  }
}
