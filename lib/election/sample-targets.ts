import type { Prng } from "../base/prng.ts";

/** What the sample must know of a host; planning's figures have it. */
export interface SampledHost {
  readonly host: string;
  readonly name: string;
  readonly draining: boolean;
  readonly freeSlotsIn: number;
}

/**
 * A fresh random sample of hosts that could take a VM, at most `count`. Chance is the point: where
 * every source asks the least loaded host that it knows of, nearly all are refused (power of d
 * choices). Hosts named in `wanted` (pins) come in addition and first: only they will do.
 */
export function sampleTargets<Host extends SampledHost>(
  prng: Prng,
  hosts: readonly Host[],
  { count, wanted = [] }: { readonly count: number; readonly wanted?: readonly string[] },
): Host[] {
  const open = hosts.filter((host) => !host.draining && host.freeSlotsIn > 0);
  const named = open.filter((host) => wanted.includes(host.name)).slice(0, count);
  const others = open.filter((host) => !named.includes(host));
  return [...named, ...prng.sample(others, count)];
}
