import type { NetworkInterfaceInfo } from "node:os";
import { describe, expect, it } from "vitest";
import {
  announcedAddresses,
  defaultInterfaceIn,
  ipEndpointOf,
  isPrivateIp,
  ownAddresses,
  readPeerAddress,
} from "#agent/transport/addresses.ts";
import { TransportError } from "#agent/transport/transport-error.ts";

function info(address: string, internal = false): NetworkInterfaceInfo {
  const family = address.includes(":") ? "IPv6" : "IPv4";
  const rest = { address, internal, netmask: "", mac: "", cidr: null };
  return family === "IPv6" ? { ...rest, family, scopeid: 0 } : { ...rest, family };
}

const interfaces = {
  lo: [info("127.0.0.1", true), info("::1", true)],
  virbr0: [info("192.168.122.1")],
  eth1: [info("10.1.0.7"), info("fe80::7"), info("2001:db8::7")],
  eth0: [info("10.0.0.7")],
};
const options = {
  listenAddress: "0.0.0.0",
  port: 7400,
  interfaceName: null,
  interfaces,
  defaultInterface: "eth0",
};

describe("ownAddresses()", () => {
  it.each([
    {
      name: "puts the default route first and leaves out loopback and guests' bridges",
      changes: {},
      expected: ["/ip4/10.0.0.7/tcp/7400", "/ip4/10.1.0.7/tcp/7400"],
    },
    {
      name: "keeps to one interface",
      changes: { interfaceName: "eth1" },
      expected: ["/ip4/10.1.0.7/tcp/7400"],
    },
    {
      name: "adds routable IPv6 where it listens on it",
      changes: { listenAddress: "::", interfaceName: "eth1" },
      expected: ["/ip4/10.1.0.7/tcp/7400", "/ip6/2001:db8::7/tcp/7400"],
    },
    {
      name: "takes a bridge when the default route is on it",
      changes: { defaultInterface: "virbr0", interfaceName: "virbr0" },
      expected: ["/ip4/192.168.122.1/tcp/7400"],
    },
    {
      name: "takes loopback when there is nothing else",
      changes: { interfaces: { lo: interfaces.lo } },
      expected: ["/ip4/127.0.0.1/tcp/7400"],
    },
    {
      name: "is what was configured, where one address was",
      changes: { listenAddress: "127.0.0.1" },
      expected: ["/ip4/127.0.0.1/tcp/7400"],
    },
  ])("$name", ({ changes, expected }) => {
    expect(ownAddresses({ ...options, ...changes })).toEqual(expected);
  });
});

describe("readPeerAddress()", () => {
  it.each([
    ["10.0.0.7:7400", "/ip4/10.0.0.7/tcp/7400"],
    ["[2001:db8::7]:7400", "/ip6/2001:db8::7/tcp/7400"],
    ["host-b.example:7400", "/dns/host-b.example/tcp/7400"],
    ["/ip4/10.0.0.7/tcp/7400", "/ip4/10.0.0.7/tcp/7400"],
  ])("reads %s", (text, expected) => {
    expect(readPeerAddress(text)).toBe(expected);
  });

  it.each(["", "host", "host:", "host:0", "host:70000", "/ip4/10.0.0.7", "::1:7400", "a b:1"])(
    "refuses %j by name",
    (text) => {
      expect(() => readPeerAddress(text)).toThrow(TransportError);
      expect(() => readPeerAddress(text)).toThrow(`"${text}"`);
    },
  );
});

describe("ipEndpointOf()", () => {
  it("reads IP multiaddrs and nothing else", () => {
    expect(ipEndpointOf("/ip4/10.0.0.7/tcp/7400/p2p/12D3")).toEqual({ ip: "10.0.0.7", port: 7400 });
    expect(ipEndpointOf("/ip6/::1/tcp/1")).toEqual({ ip: "::1", port: 1 });
    for (const text of [
      "/ip4/10.0.0.700/tcp/1",
      "/ip4/::1/tcp/1",
      "/dns/x/tcp/1",
      "/ip4/1.2.3.4/udp/1",
    ]) {
      expect(ipEndpointOf(text)).toBeUndefined();
    }
  });
});

describe("announcedAddresses()", () => {
  const loopback = ["/ip4/127.0.0.1/tcp/7531"];
  const old = ["/ip4/10.0.0.7/tcp/7531"];
  const other = ["/ip4/10.0.0.9/tcp/7531"];

  it.each([
    ["the first ones", [], old, old],
    ["loopback, where there is nothing else yet", [], loopback, loopback],
    ["real ones as soon as there are any", loopback, old, old],
    ["the new ones of a host that was given others", old, other, other],
    ["the old ones while the link is down", old, loopback, old],
    ["the old ones while there is no interface at all", old, [], old],
  ])("keeps to %s", (_, before, now, announced) => {
    expect(announcedAddresses(before, now)).toEqual(announced);
  });
});

describe("isPrivateIp()", () => {
  it("tells private ranges from public ones", () => {
    for (const ip of ["10.1.2.3", "172.31.0.1", "192.168.1.1", "127.0.0.1", "::1", "fd00::1"]) {
      expect(isPrivateIp(ip)).toBe(true);
    }
    for (const ip of ["8.8.8.8", "172.32.0.1", "2001:db8::1", "nonsense", ""]) {
      expect(isPrivateIp(ip)).toBe(false);
    }
  });
});

describe("defaultInterfaceIn()", () => {
  it("finds the interface of the default route", () => {
    const head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\n";
    const local = "eth1\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n";
    const main = "eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n";
    expect(defaultInterfaceIn(head + local + main)).toBe("eth0");
    expect(defaultInterfaceIn(head + local)).toBeNull();
    expect(defaultInterfaceIn("")).toBeNull();
  });
});
