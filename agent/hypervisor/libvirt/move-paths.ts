import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import type { MoveId } from "#lib/model/ids.ts";
import { type LibvirtSettings, seenPath } from "./libvirt-options.ts";

/** Of libvirt's own, and so one that its QEMU may use, and no other user. */
export const libvirtFolder = "/var/lib/libvirt/qemu";
/** The agent's, for one that may make no sockets in libvirt's; its QEMU is let in by its group. */
export const agentFolder = "/run/evenkeel/moves";
/** In the order of preference: one daemon for all, or the one for QEMU alone. */
const DAEMON_SOCKETS = ["/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock"];

/** In whose folder a move's sockets lie, on both hosts: the source says which. */
export type SocketPlace = "libvirt" | "agent";

/**
 * The socket of a move as libvirt sees it, the same on both hosts: at the source the channel listens
 * on it for daemon and QEMU, at the target QEMU does for its memory.
 */
export function moveSocket(moveId: MoveId, place: SocketPlace): string {
  const digest = createHash("sha256").update(moveId).digest("hex").slice(0, 16);
  return `${place === "agent" ? agentFolder : libvirtFolder}/evenkeel-${digest}.sock`;
}

/** The same for the disks that are copied along: QEMU's NBD server at the target listens there. */
export function diskSocket(moveId: MoveId, place: SocketPlace): string {
  return moveSocket(moveId, place).replace(/\.sock$/, ".nbd");
}

/** Both sockets of a move as they are reached from here. */
export function seenSockets(
  settings: LibvirtSettings,
  moveId: MoveId,
  place: SocketPlace,
): readonly string[] {
  const sockets = [moveSocket(moveId, place), diskSocket(moveId, place)];
  return sockets.map((socket) => seenPath(settings, socket));
}

/** The daemon's own socket as it is reached from here. */
export function daemonSocket(settings: LibvirtSettings): string {
  const named = /[?&]socket=([^&]+)/.exec(settings.uri)?.[1];
  if (named !== undefined) return decodeURIComponent(named);
  const seen = DAEMON_SOCKETS.map((path) => seenPath(settings, path));
  return seen.find((path) => existsSync(path)) ?? seen[0] ?? "";
}

/** The target's daemon for the source's: reached through the move's socket. */
export function targetUri(settings: LibvirtSettings, socket: string): string {
  const driver = /^[a-z]+/.exec(settings.uri)?.[0] ?? "qemu";
  return `${driver}+unix:///system?socket=${socket}`;
}
