import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import type { MoveId } from "#lib/model/ids.ts";
import { type LibvirtSettings, seenPath } from "./libvirt-options.ts";

/** Of libvirt's own, and so one that its QEMU may use, and no other user. */
const FOLDER = "/var/lib/libvirt/qemu";
/** In the order of preference: one daemon for all, or the one for QEMU alone. */
const DAEMON_SOCKETS = ["/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock"];

/**
 * The socket of a move as libvirt sees it, the same on both hosts: at the source the channel listens
 * on it for daemon and QEMU, at the target QEMU does for its memory.
 */
export function moveSocket(moveId: MoveId): string {
  const digest = createHash("sha256").update(moveId).digest("hex").slice(0, 16);
  return `${FOLDER}/evenkeel-${digest}.sock`;
}

/** The same for the disks that are copied along: QEMU's NBD server at the target listens there. */
export function diskSocket(moveId: MoveId): string {
  return moveSocket(moveId).replace(/\.sock$/, ".nbd");
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
