import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { defaultInterfaceIn, type OwnAddressesOptions, ownAddresses } from "./addresses.ts";

const ROUTE_TABLE = "/proc/net/route";

/** The multiaddrs that others can dial now, as this machine's interfaces and routes are. */
export function listenedAddresses(
  options: Pick<OwnAddressesOptions, "listenAddress" | "port" | "interfaceName">,
): readonly string[] {
  return ownAddresses({
    ...options,
    interfaces: networkInterfaces(),
    defaultInterface: defaultInterfaceIn(routeTable()),
  });
}

function routeTable(): string {
  try {
    return readFileSync(ROUTE_TABLE, "utf8");
  } catch {
    // Only the order of the addresses depends on it.
    return "";
  }
}
