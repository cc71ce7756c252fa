import { BlockList, isIP } from "node:net";
import type { NetworkInterfaceInfo } from "node:os";
import { TransportError } from "./transport-error.ts";

/** Interfaces that guests and containers hang on: their addresses repeat on every host. */
const VIRTUAL_INTERFACE = /^(virbr|vnet|docker|br-|veth|tap|tun|cni|flannel|podman)/;

/** An IP address and a TCP or UDP port on it. */
export interface IpEndpoint {
  readonly ip: string;
  readonly port: number;
}

/** The endpoint in a multiaddr text such as `/ip4/10.0.0.7/tcp/7400`; undefined for other kinds. */
export function ipEndpointOf(address: string): IpEndpoint | undefined {
  const match = /^\/ip([46])\/([0-9a-fA-F.:]+)\/tcp\/([0-9]{1,5})(?:\/|$)/.exec(address);
  const ip = match?.[2];
  const port = Number(match?.[3]);
  if (!ip || isIP(ip) !== Number(match[1]) || port < 1 || port > 65_535) return undefined;
  return { ip, port };
}

function multiaddrText(ip: string, port: number): string {
  return `/ip${isIP(ip)}/${ip}/tcp/${port}`;
}

/**
 * A configured peer as a multiaddr: given as one, or as `host:port`, `[ipv6]:port`. Throws
 * TransportError, naming the text.
 */
export function readPeerAddress(text: string): string {
  if (
    /^\/(ip4|ip6|dns|dns4|dns6)\/[^/]+\/tcp\/[0-9]{1,5}(\/p2p\/[1-9A-HJ-NP-Za-km-z]+)?$/.test(text)
  ) {
    return text;
  }
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([a-zA-Z0-9._-]+)):([0-9]{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (!host || port < 1 || port > 65_535) {
    throw new TransportError(
      `peer address "${text}" is neither host:port nor a multiaddr such as /ip4/10.0.0.7/tcp/7400; correct it in the configuration`,
    );
  }
  return isIP(host) ? multiaddrText(host, port) : `/dns/${host}/tcp/${port}`;
}

export interface OwnAddressesOptions {
  /** What the agent listens on; a wildcard for all interfaces. */
  readonly listenAddress: string;
  readonly port: number;
  /** Restricts a wildcard to one interface; null for all. */
  readonly interfaceName: string | null;
  /** As os.networkInterfaces() gives them. */
  readonly interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;
  /** The interface of the default route, whose addresses go first; null when there is none. */
  readonly defaultInterface: string | null;
}

/**
 * The multiaddrs that others can dial, most useful first. Each unreachable one would cost them
 * seconds: no loopback and no guests' bridges unless there is nothing else.
 */
export function ownAddresses(options: OwnAddressesOptions): readonly string[] {
  const { listenAddress, port } = options;
  if (!isWildcard(listenAddress)) return [multiaddrText(listenAddress, port)];
  const family = listenAddress.includes(":") ? ["IPv4", "IPv6"] : ["IPv4"];
  const all = Object.entries(options.interfaces)
    .filter(([name]) => options.interfaceName === null || name === options.interfaceName)
    .flatMap(([name, infos]) => (infos ?? []).map((info) => ({ name, ...info })))
    .filter((info) => family.includes(info.family) && !/^(fe80|169\.254\.)/i.test(info.address));
  const outward = all.filter((info) => !info.internal);
  const isMain = (name: string): boolean => name === options.defaultInterface;
  const real = outward.filter(({ name }) => isMain(name) || !VIRTUAL_INTERFACE.test(name));
  const usable = [real, outward, all].find((list) => list.length > 0) ?? [];
  return [...usable]
    .sort((a, b) => Number(isMain(b.name)) - Number(isMain(a.name)))
    .map((info) => multiaddrText(info.address, port));
}

/**
 * What to announce, given what was announced before and what the interfaces say now. A link that is
 * down takes its addresses along and brings them back: to announce loopback meanwhile would send
 * everybody to themselves for as long as that is remembered.
 */
export function announcedAddresses(
  before: readonly string[],
  now: readonly string[],
): readonly string[] {
  const isOutward = (list: readonly string[]) => list.some((address) => !isLoopback(address));
  return isOutward(before) && !isOutward(now) ? before : now;
}

function isLoopback(address: string): boolean {
  return /^\/(ip4\/127\.|ip6\/::1\/)/.test(address);
}

/** The interface of the IPv4 default route in the text of /proc/net/route; null for none. */
export function defaultInterfaceIn(routeTable: string): string | null {
  const fields = routeTable.split("\n").map((line) => line.split("\t"));
  return (
    fields.find(([, destination, , , , , , mask]) => isZero(destination) && isZero(mask))?.[0] ??
    null
  );
}

/** True for addresses that no router of the open network carries (RFC 1918, 6598, 4193, 3927). */
export function isPrivateIp(ip: string): boolean {
  const family = isIP(ip);
  return family !== 0 && privateRanges().check(ip, family === 6 ? "ipv6" : "ipv4");
}

let ranges: BlockList | undefined;

function privateRanges(): BlockList {
  if (ranges) return ranges;
  const list = new BlockList();
  list.addSubnet("10.0.0.0", 8);
  list.addSubnet("172.16.0.0", 12);
  list.addSubnet("192.168.0.0", 16);
  list.addSubnet("100.64.0.0", 10);
  list.addSubnet("169.254.0.0", 16);
  list.addSubnet("127.0.0.0", 8);
  list.addSubnet("fc00::", 7, "ipv6");
  list.addSubnet("fe80::", 10, "ipv6");
  list.addAddress("::1", "ipv6");
  ranges = list;
  return list;
}

function isWildcard(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

function isZero(hex: string | undefined): boolean {
  return hex === "00000000";
}
