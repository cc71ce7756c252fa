import type { VmName } from "../../model/ids.ts";
import type { VmLoad } from "../../model/load.ts";
import type { VmSpec } from "../../model/vm-spec.ts";
import type { Workload } from "../workload.ts";
import type { Trace } from "./trace.ts";

export interface TraceWorkloadOptions {
  readonly trace: Trace;
  /** Index of a VM in the trace, by the name that its agent knows it by. */
  readonly indexOf: ReadonlyMap<VmName, number>;
  /** Second of the recording that the run begins at; 0 by default. */
  readonly fromSecond?: number;
  /** Seconds of the recording in one second of the run; 1 by default. */
  readonly speed?: number;
}

/** Every guest asks for what one was recorded to use. */
export class TraceWorkload implements Workload {
  readonly stepMs: number;
  readonly #trace: Trace;
  readonly #indexOf: ReadonlyMap<VmName, number>;
  readonly #fromSecond: number;
  readonly #speed: number;

  constructor({ trace, indexOf, fromSecond = 0, speed = 1 }: TraceWorkloadOptions) {
    this.#trace = trace;
    this.#indexOf = indexOf;
    this.#fromSecond = fromSecond;
    this.#speed = speed;
    // A run that begins between two samples sees the change at another time.
    const aligned = fromSecond % trace.stepSeconds === 0;
    this.stepMs = aligned ? (trace.stepSeconds * 1_000) / speed : 0;
  }

  loadOf(spec: VmSpec, nowMs: number): VmLoad {
    const vm = this.#indexOf.get(spec.name) ?? -1;
    const second = this.#fromSecond + (nowMs / 1_000) * this.#speed;
    return {
      cpuCores: this.#trace.cpuCoresAt(vm, second),
      residentBytes: Math.min(spec.memoryBytes, this.#trace.usedBytesAt(vm, second)),
      dirtyBytesPerSecond: 0,
      networkBytesPerSecond: null,
    };
  }
}
