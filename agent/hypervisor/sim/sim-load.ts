import { Prng } from "#lib/base/prng.ts";
import type { VmName } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { counterMs, type SimCopy } from "#lib/simulation/sim-copy.ts";

const mebibyte = 2 ** 20;
const pageBytes = 4096;
const ticksPerSecond = 10;
/** A guest whose kernel command line says nothing is busy for this long in 100 ms, ms. */
const defaultBusyMs = 5;
/** What a small guest's own kernel takes. */
const ownBytes = 24 * mebibyte;
const noiseShare = 0.1;

/** What a simulated guest does, read from its kernel command line as a real test guest reads it. */
export interface SimLoad {
  readonly cpuCores: number;
  readonly residentBytes: number;
  readonly dirtyBytesPerSecond: number;
}

/** `load=` ms busy in 100 ms, `dirty=` MiB filled once, `rate=` pages written in 100 ms. */
export function simLoadOf(spec: VmSpec): SimLoad {
  const cmdline = spec.kernel?.cmdline ?? "";
  const busyMs = numberIn(cmdline, "load") ?? defaultBusyMs;
  const filled = numberIn(cmdline, "dirty");
  return {
    cpuCores: Math.min(busyMs / 100, spec.vcpus),
    residentBytes:
      filled === undefined
        ? spec.memoryBytes
        : Math.min(spec.memoryBytes, ownBytes + filled * mebibyte),
    dirtyBytesPerSecond: (numberIn(cmdline, "rate") ?? 0) * pageBytes * ticksPerSecond,
  };
}

function numberIn(cmdline: string, name: string): number | undefined {
  const match = new RegExp(`(?:^|\\s)${name}=(\\d+)`).exec(cmdline);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** The CPU time that simulated guests have used, with some noise, as counters that never fall. */
export class SimCpuMeter {
  readonly #readings = new Map<VmName, { boot: string; countMs: number; cpuTimeNs: number }>();
  readonly #prng: Prng;

  constructor(seed: string) {
    this.#prng = new Prng(seed);
  }

  /** CPU time of the copy until `wallMs`, ns. */
  read(copy: SimCopy, wallMs: number): number {
    const { name } = copy.spec;
    const countMs = counterMs(copy, wallMs);
    const last = this.#readings.get(name);
    const known = last?.boot === copy.boot ? last : { countMs: 0, cpuTimeNs: 0 };
    const noise = 1 + noiseShare * (2 * this.#prng.nextShare() - 1);
    const ranMs = Math.max(0, countMs - known.countMs);
    const cpuTimeNs = known.cpuTimeNs + ranMs * 1e6 * simLoadOf(copy.spec).cpuCores * noise;
    this.#readings.set(name, { boot: copy.boot, countMs, cpuTimeNs });
    return Math.round(cpuTimeNs);
  }

  /** Forgets guests that are no longer here. */
  keep(names: ReadonlySet<VmName>): void {
    for (const name of this.#readings.keys()) if (!names.has(name)) this.#readings.delete(name);
  }
}
