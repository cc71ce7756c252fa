export interface ControlFacts {
  readonly version: string;
  readonly installedBytes: number;
}

/** Older than what Debian 12 has: Node's own needs, and the systemd that the unit was tried with. */
const DEPENDS = "libc6 (>= 2.28), libgcc-s1, libstdc++6 (>= 8), systemd (>= 252)";
/** The default driver runs QEMU, and makes overlays for members of services. */
const RECOMMENDS = "qemu-system-x86, qemu-utils, iproute2";
const SUGGESTS = "haproxy, libvirt-daemon-system";

/** What dpkg knows of the package (deb-control(5)). */
export function controlFile({ version, installedBytes }: ControlFacts): string {
  return `Package: evenkeel
Version: ${version}
Architecture: amd64
Maintainer: evenkeel developers <evenkeel@localhost>
Installed-Size: ${Math.ceil(installedBytes / 1024)}
Depends: ${DEPENDS}
Recommends: ${RECOMMENDS}
Suggests: ${SUGGESTS}
Section: admin
Priority: optional
Description: keeps a fleet of KVM hosts level with nobody in charge
 A lightweight agent, identical on every host. Agents find each other, gossip
 load, agree two by two which VM moves where, and migrate it live themselves.
 There is no controller, no leader and no database.
 .
 The package brings its own Node.js runtime. A cluster starts on hold: it shows
 the moves that it would make and makes none until "evenkeel act".
`;
}
