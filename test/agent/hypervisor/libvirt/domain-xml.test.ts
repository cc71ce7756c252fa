import { describe, expect, it } from "vitest";
import { domainXml } from "#agent/hypervisor/libvirt/domain-xml.ts";
import { libvirtObjection } from "#agent/hypervisor/libvirt/libvirt-life.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";

const spec: VmSpec = {
  name: "web",
  vcpus: 2,
  memoryBytes: 1 << 28,
  machine: "q35",
  kernel: null,
  disks: [
    { path: "/images/a'b.qcow2", format: "qcow2" },
    { path: "/images/b.raw", format: "raw" },
  ],
  network: { kind: "bridge", bridge: "br0", mac: "52:54:00:00:00:01" },
  policy: { pin: null, ignore: false, antiAffinityGroup: null, affinityGroup: null },
};

describe("domainXml", () => {
  it("has all of the spec, each word escaped", () => {
    const xml = domainXml({ spec, accelerator: "kvm", cpuModel: null });
    expect(xml).toContain("<domain type='kvm'>");
    expect(xml).toContain("<memory unit='b'>268435456</memory>");
    expect(xml).toContain("<source file='/images/a&apos;b.qcow2'/><target dev='vda'");
    expect(xml).toContain(
      "type='raw' cache='none'/><source file='/images/b.raw'/><target dev='vdb'",
    );
    expect(xml).toContain("<source bridge='br0'/><mac address='52:54:00:00:00:01'/>");
    expect(xml).toContain("<cpu mode='host-model'/>");
  });

  it("lets nothing in a command line become an element", () => {
    const cmdline = "x</cmdline><devices/>&\n";
    const kernel = { path: "/k", initrd: null, cmdline };
    const xml = domainXml({ spec: { ...spec, kernel }, accelerator: "tcg", cpuModel: "qemu64" });
    expect(xml).toContain("<cmdline>x&lt;/cmdline&gt;&lt;devices/&gt;&amp; </cmdline>");
    expect(xml).toContain("<domain type='qemu'>");
    expect(xml).toContain("<model fallback='forbid'>qemu64</model>");
    expect(xml).not.toContain("<boot dev='hd'/>");
  });
});

describe("libvirtObjection", () => {
  it("names what libvirt does not do", () => {
    expect(libvirtObjection(spec)).toBeNull();
    expect(libvirtObjection({ ...spec, machine: "microvm" })).toMatch(/q35/);
    const forwards = [{ protocol: "tcp", hostPort: 80, guestPort: 80 }] as const;
    expect(libvirtObjection({ ...spec, network: { kind: "user", forwards } })).toMatch(/bridge/);
  });
});
