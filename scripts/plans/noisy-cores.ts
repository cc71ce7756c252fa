import { Prng } from "#lib/base/prng.ts";
import type { ClusterModel } from "#lib/simulation/cluster-model.ts";

/**
 * What the VMs of a model (by index) burn when each look is off by up to `noiseShare` either way:
 * drawn anew each time, as agents see it in their samples.
 */
export function noisyCores(
  { vms }: ClusterModel,
  { seed, noiseShare }: { readonly seed: number; readonly noiseShare: number },
): (vm: number) => number {
  const prng = new Prng(`central.${seed}`);
  return (vm) => (vms[vm]?.cpuCores ?? 0) * (1 + noiseShare * (2 * prng.nextShare() - 1));
}
