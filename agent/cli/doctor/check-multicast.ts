import { readFileSync } from "node:fs";
import { type Check, type Finding, fail, ok, warn, wordsOf } from "./finding.ts";

const ROUTE_FILE = "/proc/net/route";

/** 224.0.0.251 (RFC 6762, section 3) as the kernel prints it: little-endian. */
const MDNS_ADDRESS = 0xfb0000e0;

/** Bit of a route that is up (route(8)). */
const ROUTE_UP = 1;

/** Without a route for multicast, mDNS finds nobody and no call fails. */
export const checkMulticast: Check = async ({ config }) => {
  if (!config.mdns) {
    return [
      config.peers.length > 0
        ? ok("multicast", `mDNS is off, ${config.peers.length} peers are configured`)
        : warn("multicast", "mDNS is off and no peers are configured", "set mdns or peers"),
    ];
  }
  try {
    return [findingOf(readFileSync(ROUTE_FILE, "utf8"), config.interface, config.peers.length)];
  } catch (error) {
    return [warn("multicast", wordsOf(error), `see ${ROUTE_FILE} by hand`)];
  }
};

/** What a routing table, as /proc/net/route prints it, means for mDNS. */
export function findingOf(table: string, wanted: string | null, peerCount: number): Finding {
  const names = multicastInterfaces(table);
  const fitting = wanted === null ? names : names.filter((name) => name === wanted);
  if (fitting.length > 0) return ok("multicast", `route by ${fitting.join(", ")}`);
  const place = wanted ?? "any interface";
  const detail = `no multicast route on ${place}: mDNS finds nobody there`;
  const remedy = `ip route add 224.0.0.0/4 dev ${wanted ?? "INTERFACE"}, or list peers in the configuration`;
  return peerCount > 0 ? warn("multicast", detail, remedy) : fail("multicast", detail, remedy);
}

function multicastInterfaces(table: string): readonly string[] {
  const names = table
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split("\t"))
    .filter(([name, destination, , flags, , , , mask]) => {
      const isUp = (Number.parseInt(flags ?? "", 16) & ROUTE_UP) !== 0;
      const maskBits = Number.parseInt(mask ?? "", 16);
      const matches = (MDNS_ADDRESS & maskBits) >>> 0 === Number.parseInt(destination ?? "", 16);
      return name !== "lo" && isUp && matches;
    })
    .map(([name]) => name ?? "");
  return [...new Set(names)];
}
