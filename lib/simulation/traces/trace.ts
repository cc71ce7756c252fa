/** Recorded loads of many VMs over time. A sample holds until the next; the last one for ever. */
export interface Trace {
  /** At least one; names are unique. */
  readonly vms: readonly TraceVm[];
  /** Time from the first sample to the end of the last, s. */
  readonly seconds: number;
  /** Samples begin at multiples of this, s. */
  readonly stepSeconds: number;
  /** CPU that a VM burnt at a second of the recording, cores. */
  cpuCoresAt(vm: number, second: number): number;
  /** Memory that it really used, bytes: at most what it may have. */
  usedBytesAt(vm: number, second: number): number;
}

export interface TraceVm {
  readonly name: string;
  readonly vcpus: number;
  /** Memory that it may have. */
  readonly memoryBytes: number;
}

/** Bounds of what is read: a broken header must not ask for the machine's whole memory. */
export const traceLimits = {
  vmsMax: 100_000,
  samplesMax: 2_000_000,
  /** VMs times samples. */
  cellsMax: 400_000_000,
} as const;
