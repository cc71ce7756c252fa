/**
 * What a VM asks of its host. Demand is what it used plus what it waited for, so that a VM on a
 * crowded host does not look small because it was starved.
 */
export interface VmLoad {
  /** CPU demand in cores: used plus run delay, per second. */
  readonly cpuCores: number;
  /** Memory that a move must transfer: resident bytes of the guest. */
  readonly residentBytes: number;
  /** Bytes written a second, as far as known; null where the driver cannot tell. */
  readonly dirtyBytesPerSecond: number | null;
  /** Bytes received and sent a second, together; null where it cannot be had (user-mode network). */
  readonly networkBytesPerSecond: number | null;
  /** Disks that a move would copy along; absent for none, and where only its host need know. */
  readonly copiedBytes?: number;
}

/** Pressure stall shares (0..1) over ten seconds (Documentation/accounting/psi.rst, "some"). */
export interface HostPressure {
  readonly cpuShare: number;
  readonly memoryShare: number;
  readonly ioShare: number;
}

/** One sample of a host. A figure that cannot be had is null, never a made-up zero. */
export interface HostLoad {
  readonly cpuCapacityCores: number;
  /** CPU demand of everything on the host that is not one of our guests, in cores. */
  readonly otherCpuCores: number;
  readonly memoryCapacityBytes: number;
  /** Memory that the host itself needs and that guests cannot have. */
  readonly reservedMemoryBytes: number;
  /** What the physical interfaces carry, both directions together; null where no speed is told. */
  readonly networkCapacityBytesPerSecond: number | null;
  /** Traffic of the physical interfaces beyond that of our guests; null where it is not known. */
  readonly otherNetworkBytesPerSecond: number | null;
  readonly pressure: HostPressure | null;
}
