import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Malformed } from "#lib/wire/malformed.ts";
import { readVmSpec } from "#lib/wire/validate-vm-spec.ts";
import { vmSpec } from "../../support/wire-arbitraries.ts";

const good = {
  name: "web-3",
  vcpus: 1,
  memoryBytes: 32 * 2 ** 20,
  machine: "microvm",
  kernel: { path: "/srv/vm/kernel", initrd: null, cmdline: "console=ttyS0" },
  disks: [{ path: "/srv/vm/web-3.qcow2", format: "qcow2" }],
  network: { kind: "none" },
  policy: { pin: null, ignore: false, antiAffinityGroup: null, affinityGroup: null },
};

describe("readVmSpec()", () => {
  it("gives every valid spec back as it is", () => {
    expect(readVmSpec(good)).toEqual(good);
    fc.assert(
      fc.property(vmSpec, (valid) => {
        expect(readVmSpec(valid)).toEqual(valid);
      }),
    );
  });

  it("takes an older agent's policy without an affinity group", () => {
    const { affinityGroup: _, ...older } = good.policy;
    expect(readVmSpec({ ...good, policy: older })).toEqual(good);
  });

  it("takes a guest without an agent the same, whether or not that is said", () => {
    expect(readVmSpec({ ...good, guestAgent: false })).toEqual(good);
    expect(readVmSpec({ ...good, guestAgent: true })).toEqual({ ...good, guestAgent: true });
  });

  it.each([
    { path: "guestAgent", fault: { guestAgent: "yes" } },
    { path: "guestAgent", fault: { guestAgent: null } },
    { path: "name", fault: { name: "Web_3" } },
    { path: "name", fault: { name: "" } },
    { path: "vcpus", fault: { vcpus: 0 } },
    { path: "vcpus", fault: { vcpus: 1.5 } },
    { path: "memoryBytes", fault: { memoryBytes: Number.POSITIVE_INFINITY } },
    { path: "memoryBytes", fault: { memoryBytes: 4096 } },
    { path: "machine", fault: { machine: "pc,accel=evil" } },
    { path: "kernel.path", fault: { kernel: { ...good.kernel, path: "kernel" } } },
    { path: "kernel.initrd", fault: { kernel: { ...good.kernel, initrd: "/a\nb" } } },
    { path: "kernel.cmdline", fault: { kernel: { ...good.kernel, cmdline: "a\0b" } } },
    { path: "disks[0].path", fault: { disks: [{ path: `/${"x".repeat(1024)}`, format: "raw" }] } },
    { path: "disks[0].format", fault: { disks: [{ path: "/a", format: "vmdk" }] } },
    { path: "disks", fault: { disks: Array.from({ length: 17 }, () => good.disks[0]) } },
    { path: "network.kind", fault: { network: { kind: "tap" } } },
    {
      path: "network.bridge",
      fault: { network: { kind: "bridge", bridge: "br0;rm", mac: "52:54:00:00:00:01" } },
    },
    {
      path: "network.mac",
      fault: { network: { kind: "bridge", bridge: "br0", mac: "53:54:00:00:00:01" } },
    },
    {
      path: "network.forwards[0].hostPort",
      fault: {
        network: { kind: "user", forwards: [{ protocol: "tcp", hostPort: 0, guestPort: 22 }] },
      },
    },
    { path: "policy.ignore", fault: { policy: { ...good.policy, ignore: "no" } } },
    { path: "policy", fault: { policy: null } },
    { path: "policy.managed", fault: { policy: { ...good.policy, managed: "no" } } },
    { path: "policy.priority", fault: { policy: { ...good.policy, priority: 101 } } },
    { path: "policy.shutdown", fault: { policy: { ...good.policy, shutdown: "reboot" } } },
    {
      path: "policy.affinityGroup",
      fault: { policy: { ...good.policy, affinityGroup: "web", antiAffinityGroup: "web" } },
    },
  ])("names $path when it is wrong ($fault)", ({ path, fault }) => {
    expect(readVmSpec({ ...good, ...fault })).toMatchObject({ path });
    expect(readVmSpec({ ...good, ...fault })).toBeInstanceOf(Malformed);
  });
});
