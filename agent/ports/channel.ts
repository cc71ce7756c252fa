import type { MoveId } from "#lib/model/ids.ts";

/** Where the target's hypervisor takes what the source sends. */
export interface IncomingDoor {
  /** UNIX socket of the guest's memory stream. */
  readonly socketPath: string;
  /**
   * UNIX socket of the daemon for every connection that does not begin as a memory stream (libvirt);
   * absent: there is one connection, the stream.
   */
  readonly controlPath?: string;
  /** UNIX socket of the guest's disks, where they are copied along (libvirt). */
  readonly diskPath?: string;
}

/** Where the source's hypervisor looks for the channel, and how often it connects. */
export interface OutgoingDoor {
  /** The path that it was told; null for one of the channel's own choice. */
  readonly socketPath: string | null;
  /** Connections of one move, at least 1. */
  readonly connectionsMax: number;
  /** A second path, for connections that are about disks; absent where none is copied along. */
  readonly diskSocketPath?: string;
}

/** How a source reaches its target. */
export interface ChannelRoute {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly door: OutgoingDoor;
}

/** For a hypervisor that streams once, to wherever it is told. */
export const plainDoor: OutgoingDoor = { socketPath: null, connectionsMax: 1 };

/**
 * Carries migration streams between two hosts: UNIX socket, TLS 1.3 with a key of this move alone,
 * UNIX socket. Each end is a process of its own that dies with the agent. Rejects with ChannelError.
 */
export interface Channel {
  /** A move may begin soon: what takes time and needs no order of a move is done now. */
  warm(): void;
  /** Target end: listens on TCP and leads each connection of the source through `door`. */
  listen(moveId: MoveId, door: IncomingDoor): Promise<{ port: number }>;
  /** Source end: connects to the first address that answers; resolves to the UNIX socket to stream into. */
  connect(moveId: MoveId, route: ChannelRoute): Promise<{ socketPath: string }>;
  /** Ends the channel process of this move, if any. */
  close(moveId: MoveId): Promise<void>;
  stop(): Promise<void>;
}
