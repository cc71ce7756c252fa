import type { MoveId } from "#lib/model/ids.ts";

/**
 * Carries migration streams between two hosts: UNIX socket, TLS 1.3 with a key of this move alone,
 * UNIX socket. Each end is a process of its own that dies with the agent. Rejects with ChannelError.
 */
export interface Channel {
  /** Target end: listens on TCP and leads the one connection to `socketPath`. */
  listen(moveId: MoveId, socketPath: string): Promise<{ port: number }>;
  /** Source end: connects to the first address that answers; resolves to the UNIX socket to stream into. */
  connect(
    moveId: MoveId,
    addresses: readonly string[],
    port: number,
  ): Promise<{ socketPath: string }>;
  /** Ends the channel process of this move, if any. */
  close(moveId: MoveId): Promise<void>;
  stop(): Promise<void>;
}
