import { describe, expect, it } from "vitest";
import { processorOf, sharedAt } from "#agent/hypervisor/host-traits.ts";

const MOUNTS = `27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 27 0:50 / /srv/shared rw shared:1 - nfs4 nas:/images rw,vers=4.2
41 27 0:51 / /srv/shared/deep rw - ext4 /dev/vdb rw
42 27 0:52 /a /ceph rw - ceph 10.0.0.1:/ rw
`;

describe("processorOf()", () => {
  const cpuinfo = (flags: string) =>
    `processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: ${flags}\n`;

  it("is equal for equal features in any order, and different for others", () => {
    expect(processorOf(cpuinfo("fpu sse avx"))).toBe(processorOf(cpuinfo("avx fpu sse")));
    expect(processorOf(cpuinfo("fpu sse avx"))).toMatch(/^AMD EPYC #[0-9a-f]{6}$/);
    expect(processorOf(cpuinfo("fpu sse"))).not.toBe(processorOf(cpuinfo("fpu sse avx")));
    expect(processorOf("")).toBeUndefined();
  });
});

describe("sharedAt()", () => {
  it.each([
    ["a network file system", ["/srv/shared/vms", "/srv/shared"], ["nfs4 nas:/images"]],
    ["a disk mounted within one", ["/srv/shared/deep/x"], []],
    ["a local folder, and one that is named alike", ["/var/lib", "/srv/sharedx"], []],
    ["two of them", ["/ceph", "/srv/shared"], ["ceph 10.0.0.1:/", "nfs4 nas:/images"]],
  ])("of %s", (_what, roots, expected) => {
    expect(sharedAt(roots, MOUNTS)).toEqual(expected);
  });
});
