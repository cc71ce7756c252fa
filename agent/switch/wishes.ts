import { sortedBy } from "#lib/base/ordered.ts";
import type { WantedBackend, WantedServer } from "#lib/model/switch.ts";
import { canonicalAddress } from "./canonical-address.ts";

/**
 * What is wanted, one entry a backend, in name order: services that share a backend are put
 * together, and a backend that only `before` names is wanted empty, so that it is cleared.
 */
export function mergedWishes(
  wanted: readonly WantedBackend[],
  before: readonly WantedBackend[],
): WantedBackend[] {
  const merged = new Map<string, WantedServer[]>();
  for (const { backend } of before) merged.set(backend, []);
  for (const { backend, servers } of wanted) {
    const all = [...(merged.get(backend) ?? []), ...servers.map(withCanonicalAddress)];
    merged.set(
      backend,
      sortedBy(all, ({ member }) => member),
    );
  }
  const backends = [...merged].map(([backend, servers]) => ({ backend, servers }));
  return sortedBy(backends, ({ backend }) => backend);
}

/** As the switch will show it; what is no address is left for the switch to refuse by name. */
function withCanonicalAddress(server: WantedServer): WantedServer {
  return { ...server, address: canonicalAddress(server.address) ?? server.address };
}
