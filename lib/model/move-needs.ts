/** The processor that a guest sees. */
export interface CpuNeed {
  /** `same`: the guest sees the host's own processor, and must see the same at the target. */
  readonly kind: "features" | "same";
  readonly model: string;
  readonly vendor: string | null;
  readonly features: readonly string[];
}

export interface HugepageNeed {
  /** 0 for the target's usual size. */
  readonly pageBytes: number;
  readonly memoryBytes: number;
}

/** An image on a local disk of the source, whole. */
export interface DiskCopyNeed {
  readonly path: string;
  readonly format: "raw" | "qcow2";
  /** What the guest sees. */
  readonly sizeBytes: number;
  /** What of it is written, and flows. */
  readonly usedBytes: number;
}

/**
 * What a VM asks of its target beyond its spec: its admin gave it devices with the hypervisor's own
 * tools. Only the target can judge them, and does so before anything is tried.
 */
export interface MoveNeeds {
  /** Paths that must be there, too: firmware, the images of its drives, the emulator. */
  readonly files: readonly string[];
  /** Its disks and what lies under them; the source proves each that is not in the spec. */
  readonly disks: readonly string[];
  /** Images that go along, and that must not be there yet. */
  readonly copies: readonly DiskCopyNeed[];
  readonly bridges: readonly string[];
  /** Network interfaces of the host that it uses without a bridge (macvtap). */
  readonly interfaces: readonly string[];
  /** The hypervisor's own networks, by name: they must be active. */
  readonly networks: readonly string[];
  readonly hugepages: readonly HugepageNeed[];
  /** Null where the hypervisor does not say what it gives the guest. */
  readonly cpu: CpuNeed | null;
}

/** Bounds of needs, for bytes from a peer. */
export const needsLimits = {
  listMax: 64,
  nameLengthMax: 256,
  pathLengthMax: 1024,
  /** libvirt 11 knows some 600 of a processor. */
  featuresMax: 1024,
  featureLengthMax: 64,
  pageBytesMax: 2 ** 40,
} as const;
