import { describe, expect, it, test } from "vitest";
import { isVmName } from "#lib/model/ids.ts";
import { memberMacOf, memberNameOf, readMemberName } from "#lib/services/member-name.ts";

const host = "12D3KooWDpp7U7W9Q8feMZPPEpPP5FKXTUakLgnVLbavfjb9mzrT";

describe("memberNameOf()", () => {
  it("names the service and the host, as a VM name", () => {
    expect(memberNameOf("web", host)).toBe("web--fjb9mzrt");
    expect(isVmName(memberNameOf("a".repeat(40), host))).toBe(true);
    expect(memberNameOf("web", "Ab1c")).toBe("web--ab1c");
  });

  it("is null where no VM can be called so", () => {
    expect(memberNameOf("-web", host)).toBe(null);
    expect(memberNameOf("Web", host)).toBe(null);
    expect(memberNameOf("a".repeat(41), host)).toBe(null);
    expect(memberNameOf("", host)).toBe(null);
  });
});

describe("readMemberName()", () => {
  it("reads what memberNameOf() wrote, whatever hyphens the service has", () => {
    for (const service of ["web", "a", "web-", "a--b", "a--b2345678", "web--12345678"]) {
      const name = memberNameOf(service, host);
      expect(name && readMemberName(name)).toEqual({ service, hostTail: "fjb9mzrt" });
    }
  });

  it("takes no other VM for a member", () => {
    for (const vm of ["web", "web-12345678", "web--1", "web--123456789", "--12345678", "web--0abc"])
      expect(readMemberName(vm)).toBe(undefined);
  });
});

test("memberMacOf() is a locally administered unicast address, and differs by service and host", () => {
  const macs = new Set<string>();
  for (let service = 0; service < 40; service++) {
    for (let at = 0; at < 40; at++) {
      const mac = memberMacOf(`web-${service}`, `${host}${at}`);
      expect(mac).toMatch(/^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/);
      macs.add(mac);
    }
  }
  expect(macs.size).toBe(1600);
  expect(memberMacOf("web", host)).toBe(memberMacOf("web", host));
});
