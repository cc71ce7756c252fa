// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of service files.
import { describe, expect, it } from "vitest";
import type { MemberTemplate, ServiceSpec } from "#lib/model/service.ts";
import { memberSpecOf } from "#lib/services/member-spec.ts";
import { readVmSpec } from "#lib/wire/validate-vm-spec.ts";
import { serviceSpec } from "../../support/service-fixture.ts";

const hostId = "12D3KooWDpp7U7W9Q8feMZPPEpPP5FKXTUakLgnVLbavfjb9mzrT";
const node1 = { host: hostId, name: "node-1", overlayFolder: "/var/lib/evenkeel/members" };
const node2 = { ...node1, host: `${hostId.slice(0, -1)}X`, name: "node-2" };

function memberOn(host: typeof node1, spec: ServiceSpec = serviceSpec()) {
  const made = memberSpecOf(spec, host);
  if (!made.ok) throw new Error(made.objection);
  return made.value;
}

function withTemplate(changes: Partial<MemberTemplate>): ServiceSpec {
  const spec = serviceSpec();
  return { ...spec, template: { ...spec.template, ...changes } };
}

const image = { path: "/srv/${host}.raw", sha256: "c".repeat(64), format: "raw" } as const;

describe("memberSpecOf()", () => {
  it("fills the texts for the host, and forbids the balancer the member", () => {
    const { vm, endpoint, base, files } = memberOn(node1);
    expect(vm.name).toBe("web--fjb9mzrt");
    expect(vm.kernel?.cmdline).toBe("console=ttyS0 name=web-node-1");
    expect(vm.network).toEqual({
      kind: "user",
      forwards: [{ protocol: "tcp", hostPort: 8080, guestPort: 80 }],
    });
    expect(vm.policy.ignore).toBe(true);
    expect(endpoint).toEqual({ address: "10.0.0.1", port: 8080 });
    expect(memberOn(node2).endpoint).toEqual({ address: "10.0.0.2", port: 8082 });
    expect(base).toBe(null);
    expect(files.map((file) => file.path)).toEqual(["/srv/images/vmlinuz", "/srv/images/initrd"]);
  });

  it("gives a member with an image an overlay of its own, and one on a bridge its address", () => {
    const network = { kind: "bridge", bridge: "br0" } as const;
    const member = memberOn(node1, withTemplate({ image, kernel: null, network }));
    expect(member.base).toEqual({ ...image, path: "/srv/node-1.raw" });
    expect(member.vm.kernel).toBe(null);
    expect(member.vm.disks).toEqual([
      { path: "/var/lib/evenkeel/members/web--fjb9mzrt.qcow2", format: "qcow2" },
    ]);
    expect(member.vm.network).toMatchObject({ kind: "bridge", bridge: "br0" });
    expect(member.files).toEqual([{ path: "/srv/node-1.raw", sha256: image.sha256 }]);
  });

  it("makes specs that every host accepts", () => {
    const network = { kind: "bridge", bridge: "br0" } as const;
    for (const spec of [serviceSpec(), withTemplate({ image, network })]) {
      expect(readVmSpec(memberOn(node1, spec).vm)).toEqual(memberOn(node1, spec).vm);
    }
  });

  const wrong: readonly [what: string, spec: ServiceSpec, words: RegExp][] = [
    [
      "a value that is missing",
      serviceSpec({ hosts: {} }),
      /on node-1: network\.hostPort: nothing stands for \$\{port\}/,
    ],
    ["a port that is text", endpointPort("http"), /endpoint\.port: "http" is none/],
    ["a port of 0", endpointPort("0"), /"0" is none/],
    ["a port above all", endpointPort("65536"), /65536 is no port/],
    ["a port with more in it", endpointPort("80 weight 256"), /is none that can be used/],
    [
      "an address with more in it",
      serviceSpec({ endpoint: { address: "a;b", port: "1" } }),
      /"a;b"/,
    ],
    ["a name that no VM has", serviceSpec({ name: "-web" }), /name: cannot be part of a VM's name/],
    [
      "a path that is not absolute",
      withTemplate({ image: { ...image, path: "${port}.raw" } }),
      /image\.path: 8080\.raw is not absolute/,
    ],
    [
      "a bridge that no host has",
      withTemplate({ network: { kind: "bridge", bridge: "br 0" } }),
      /network\.bridge: "br 0"/,
    ],
  ];

  it.each(wrong)("objects to %s, in words", (_, spec, words) => {
    const made = memberSpecOf(spec, node1);
    expect(made.ok ? "" : made.objection).toMatch(words);
  });

  it("takes a digest of what a suspended image depends on, and of nothing else", () => {
    const { digest } = memberOn(node1);
    expect(digest).toMatch(/^[0-9a-f]{16}$/);
    const same = serviceSpec({ running: { min: 0, max: 9 }, drainMs: 1, backend: null });
    expect(memberOn(node1, same).digest).toBe(digest);
    expect(memberOn(node1, endpointPort("81")).digest).toBe(digest);
    const { kernel } = serviceSpec().template;
    if (!kernel) throw new Error("the fixture boots a kernel");
    const others = [
      withTemplate({ vcpus: 2 }),
      withTemplate({ memoryBytes: 2 ** 30 }),
      withTemplate({ machine: "q35" }),
      withTemplate({ image }),
      withTemplate({ kernel: { ...kernel, cmdline: "quiet" } }),
      withTemplate({ kernel: { ...kernel, initrd: null } }),
      withTemplate({ kernel: { ...kernel, kernel: { ...kernel.kernel, sha256: "d".repeat(64) } } }),
      withTemplate({ network: { kind: "user", guestPort: 81, hostPort: "${port}" } }),
      withTemplate({ network: { kind: "bridge", bridge: "br0" } }),
      withTemplate({ image: { ...image, format: "qcow2" } }),
      withTemplate({ guestAgent: true }),
    ];
    const digests = others.map((spec) => memberOn(node1, spec).digest);
    expect(new Set([digest, ...digests]).size).toBe(others.length + 1);
  });
});

function endpointPort(port: string): ServiceSpec {
  return serviceSpec({ endpoint: { address: "10.0.0.1", port } });
}
