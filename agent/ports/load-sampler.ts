import type { VmName } from "#lib/model/ids.ts";
import type { HostLoad, VmLoad } from "#lib/model/load.ts";

export interface LoadSample {
  readonly host: HostLoad;
  readonly vms: readonly { readonly vm: VmName; readonly load: VmLoad }[];
}

/** Measures the host and its guests between two calls; undefined until there are two. */
export interface LoadSampler {
  sample(): Promise<LoadSample | undefined>;
}
