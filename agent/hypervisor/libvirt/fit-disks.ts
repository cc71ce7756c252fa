import type { XmlNode } from "./xml-node.ts";

/** What a domain reads and writes, as far as a move is concerned. */
export interface DiskFit {
  /** Why no host can take it, in words; null when some may. */
  readonly obstacle: string | null;
  /** Files that hold what the guest writes, and those under them: the target must see the same. */
  readonly disks: readonly string[];
  /** Images that the guest only reads: the same path must be there. */
  readonly images: readonly string[];
}

/** Reached over the network by source and target alike. */
const SHARED_PROTOCOLS = new Set(["rbd", "iscsi", "gluster", "nfs", "sheepdog"]);

/** libvirt.org/formatdomain.html#hard-drives-floppy-disks-cdroms */
export function diskFit(domain: XmlNode): DiskFit {
  const fits = domain.all("devices", "disk").map(oneDisk);
  return {
    obstacle: fits.find(({ obstacle }) => obstacle !== null)?.obstacle ?? null,
    disks: fits.flatMap(({ disks }) => disks),
    images: fits.flatMap(({ images }) => images),
  };
}

function oneDisk(disk: XmlNode): DiskFit {
  const name = disk.at("target")?.attribute("dev") ?? "?";
  const source = disk.at("source");
  if (disk.at("mirror") !== undefined) {
    const job = disk.at("mirror")?.attribute("job") ?? "copy";
    return barred(`its disk ${name} is being copied (${job}): wait, or virsh blockjob --abort`);
  }
  if (source === undefined) return { obstacle: null, disks: [], images: [] };
  if (disk.at("transient") !== undefined) {
    return barred(`its disk ${name} is transient: what was written to it stays on this host`);
  }
  const isDrive = ["cdrom", "floppy"].includes(disk.attribute("device") ?? "disk");
  return isDrive ? oneDrive(disk, name) : oneSource(disk, name);
}

/** What is in a drive: an image that may be anywhere, or the host's own. */
function oneDrive(disk: XmlNode, name: string): DiskFit {
  const device = disk.at("source")?.attribute("dev");
  if (device !== undefined) {
    return barred(`its drive ${name} is this host's ${device}: virsh change-media --eject`);
  }
  const isWritten = disk.at("readonly") === undefined;
  const file = disk.at("source")?.attribute("file");
  if (file === undefined) return oneSource(disk, name);
  return { obstacle: null, disks: isWritten ? [file] : [], images: isWritten ? [] : [file] };
}

function oneSource(disk: XmlNode, name: string): DiskFit {
  const kind = disk.attribute("type") ?? "file";
  const source = disk.at("source");
  if (kind === "file") return chainFit(disk, name);
  if (kind === "network") {
    const protocol = source?.attribute("protocol") ?? "?";
    if (SHARED_PROTOCOLS.has(protocol)) return { obstacle: null, disks: [], images: [] };
    return barred(`its disk ${name} is reached by ${protocol}, which need not be shared`);
  }
  const place = source?.attribute("dev") ?? source?.attribute("volume") ?? kind;
  const remedy = "only files prove that both hosts see the same";
  return barred(`its disk ${name} is no file but ${kind} ${place}: ${remedy}`);
}

/** The file and, while it is an overlay, what lies under it. */
function chainFit(disk: XmlNode, name: string): DiskFit {
  const disks: string[] = [];
  for (let layer: XmlNode | undefined = disk; layer; layer = layer.at("backingStore")) {
    const source = layer.at("source");
    if (source === undefined) break;
    const file = source.attribute("file");
    if (file === undefined) return barred(`its disk ${name} lies on something that is no file`);
    disks.push(file);
  }
  return { obstacle: null, disks, images: [] };
}

function barred(obstacle: string): DiskFit {
  return { obstacle, disks: [], images: [] };
}
