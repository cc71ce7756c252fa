import { isUnder } from "../is-under.ts";
import type { XmlNode } from "./xml-node.ts";

/** What a domain reads and writes, as far as a move is concerned. */
export interface DiskFit {
  /** Why no host can take it, in words; null when some may. */
  readonly obstacle: string | null;
  /** Files that hold what the guest writes, and those under them: the target must see the same. */
  readonly disks: readonly string[];
  /** Images that the guest only reads: the same path must be there. */
  readonly images: readonly string[];
  /** Whole images on local disks, which may be copied along. */
  readonly copies: readonly CopyCandidate[];
}

export interface CopyCandidate {
  readonly path: string;
  readonly format: "raw" | "qcow2";
  /** The guest's name of it: vda. */
  readonly device: string;
}

const nothing = { obstacle: null, disks: [], images: [], copies: [] } as const;

/** Reached over the network by source and target alike. */
const SHARED_PROTOCOLS = new Set(["rbd", "iscsi", "gluster", "nfs", "sheepdog"]);

/** libvirt.org/formatdomain.html#hard-drives-floppy-disks-cdroms */
export function diskFit(domain: XmlNode, copiedRoots: readonly string[] = []): DiskFit {
  const fits = domain.all("devices", "disk").map((disk) => oneDisk(disk, copiedRoots));
  return {
    obstacle: fits.find(({ obstacle }) => obstacle !== null)?.obstacle ?? null,
    disks: fits.flatMap(({ disks }) => disks),
    images: fits.flatMap(({ images }) => images),
    copies: fits.flatMap(({ copies }) => copies),
  };
}

function oneDisk(disk: XmlNode, copiedRoots: readonly string[]): DiskFit {
  const name = disk.at("target")?.attribute("dev") ?? "?";
  const source = disk.at("source");
  if (disk.at("mirror") !== undefined) {
    const job = disk.at("mirror")?.attribute("job") ?? "copy";
    return barred(`its disk ${name} is being copied (${job}): wait, or virsh blockjob --abort`);
  }
  if (source === undefined) return nothing;
  if (disk.at("transient") !== undefined) {
    return barred(`its disk ${name} is transient: what was written to it stays on this host`);
  }
  const isDrive = ["cdrom", "floppy"].includes(disk.attribute("device") ?? "disk");
  if (isDrive) return oneDrive(disk, name);
  const file = source.attribute("file");
  const isCopied = file !== undefined && isUnder(file, copiedRoots);
  return isCopied ? copiedFit(disk, name, file) : oneSource(disk, name);
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
  return { ...nothing, disks: isWritten ? [file] : [], images: isWritten ? [] : [file] };
}

function oneSource(disk: XmlNode, name: string): DiskFit {
  const kind = disk.attribute("type") ?? "file";
  const source = disk.at("source");
  if (kind === "file") return chainFit(disk, name);
  if (kind === "network") {
    const protocol = source?.attribute("protocol") ?? "?";
    if (SHARED_PROTOCOLS.has(protocol)) return nothing;
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
  return { ...nothing, disks };
}

/** On a local disk: it goes along if it is whole. */
function copiedFit(disk: XmlNode, device: string, path: string): DiskFit {
  const format = disk.at("driver")?.attribute("type");
  if (format !== "raw" && format !== "qcow2") {
    return barred(
      `its disk ${device} is ${format ?? "of no known format"}: raw and qcow2 are copied`,
    );
  }
  if (disk.at("backingStore", "source") !== undefined) {
    return barred(
      `its disk ${device} is an overlay, and only whole images are copied: virsh blockpull`,
    );
  }
  return { ...nothing, copies: [{ path, format, device }] };
}

function barred(obstacle: string): DiskFit {
  return { ...nothing, obstacle };
}
