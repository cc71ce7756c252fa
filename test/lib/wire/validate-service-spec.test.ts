import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Malformed } from "#lib/wire/malformed.ts";
import { readServiceSpec } from "#lib/wire/validate-service-spec.ts";
import { serviceSpecOf } from "../../support/declared-service.ts";
import { serviceSpec } from "../../support/service-arbitraries.ts";
import { withOneFault } from "../../support/with-one-fault.ts";

const web = serviceSpecOf("web");
const { template } = web;

describe("readServiceSpec()", () => {
  it("gives every valid service back as it is, in one order of fields", () => {
    fc.assert(
      fc.property(serviceSpec, (valid) => {
        expect(readServiceSpec(valid)).toEqual(valid);
        const turned = Object.fromEntries(Object.entries(valid).reverse());
        expect(JSON.stringify(readServiceSpec(turned))).toBe(
          JSON.stringify(readServiceSpec(valid)),
        );
      }),
    );
  });

  it("never throws, and takes what it gives", () => {
    fc.assert(
      fc.property(serviceSpec, fc.nat(), fc.anything(), (valid, place, fault) => {
        const read = readServiceSpec(withOneFault(valid, place, fault));
        if (!(read instanceof Malformed)) expect(readServiceSpec(read)).toEqual(read);
      }),
    );
  });

  it.each([
    ["name", { ...web, name: "Web" }],
    ["name", { ...web, name: "w".repeat(41) }],
    ["template.vcpus", { ...web, template: { ...template, vcpus: 0 } }],
    ["template.kernel.kernel.sha256", withKernel({ path: "/srv/a", sha256: "AB".repeat(32) })],
    ["template.kernel.kernel.path", withKernel({ path: "/srv/a,b", sha256: "ab".repeat(32) })],
    ["template.network.kind", { ...web, template: { ...template, network: { kind: "none" } } }],
    ["endpoint.port", { ...web, endpoint: { address: "a", port: 80 } }],
    ["endpoint.address", { ...web, endpoint: { address: "a b", port: "80" } }],
    ["hosts", { ...web, hosts: { "n\n1": {} } }],
    ["hosts.n1.host", { ...web, hosts: { n1: { host: "x" } } }],
    ["hosts.n1.a b", { ...web, hosts: { n1: { "a b": "x" } } }],
    ["hosts.n1.address", { ...web, hosts: { n1: { address: "a\nb" } } }],
    ["hosts.n1", { ...web, hosts: { n1: null } }],
    ["stagedMax", { ...web, stagedMax: 0 }],
    ["running.max", { ...web, running: { min: 0, max: 0 } }],
    ["target.share", { ...web, target: { kind: "cpuShare", share: 0 } }],
    ["target.perMember", { ...web, target: { kind: "sessions", perMember: 0.5 } }],
    ["health.path", { ...web, health: { ...web.health, path: "/a b" } }],
    ["drainMs", { ...web, drainMs: -1 }],
    ["settleMs", { ...web, settleMs: 0 }],
    ["backend", { ...web, backend: "web;shutdown" }],
    ["connectionsPerMember", { ...web, connectionsPerMember: 0 }],
    ["connectionsPerMember", { ...web, connectionsPerMember: 100_001 }],
    ["", []],
  ])("names %s", (path, value) => {
    expect(readServiceSpec(value)).toMatchObject({ path });
  });

  it("bounds how many hosts and substitutions there are", () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, "v"]));
    expect(readServiceSpec({ ...web, hosts: { n1: many(17) } })).toMatchObject({
      path: "hosts.n1",
    });
    const hosts = Object.fromEntries(Object.keys(many(1025)).map((name) => [name, {}]));
    expect(readServiceSpec({ ...web, hosts })).toMatchObject({ path: "hosts" });
  });
});

function withKernel(kernel: unknown): unknown {
  return { ...web, template: { ...template, kernel: { kernel, initrd: null, cmdline: "" } } };
}
