import { basename, dirname, join } from "node:path";

const DEFAULT_SOCKET = "/run/evenkeel/evenkeel.sock";

export interface SocketPaths {
  readonly socketPath: string;
  /** Taken by verbs that only read when the first cannot be used. */
  readonly readSocketPath: string;
}

/** Which sockets to talk to: the option, else EVENKEEL_SOCKET, else the usual place. */
export function socketPathsOf(
  option: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): SocketPaths {
  const socketPath = option ?? (environment["EVENKEEL_SOCKET"] || DEFAULT_SOCKET);
  const name = basename(socketPath, ".sock");
  // The daemon puts its read socket beside the other by the same rule.
  const readName = name === "evenkeel" ? "read.sock" : `${name}-read.sock`;
  return { socketPath, readSocketPath: join(dirname(socketPath), readName) };
}
