import { describe, expect, it } from "vitest";
import { kvmProbeFirmware, kvmProbeWorked } from "#agent/hypervisor/kvm-probe.ts";
import { liveMigrationRefusal } from "#agent/hypervisor/live-migration-refusal.ts";
import { parseMachineTypes, parseVersion } from "#agent/hypervisor/qemu/facts.ts";

const MACHINE_HELP = `Supported machines are:
microvm              microvm (i386)
pc                   Standard PC (i440FX + PIIX, 1996) (alias of pc-i440fx-10.0)
pc-i440fx-10.0       Standard PC (i440FX + PIIX, 1996) (default)
q35                  Standard PC (Q35 + ICH9, 2009) (alias of pc-q35-10.0)
pc-q35-10.0          Standard PC (Q35 + ICH9, 2009)
`;

describe("parseVersion()", () => {
  it.each([
    ["QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2+deb13u1~bpo12+1)\nCopyright", "10.0.2"],
    ["QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)", "7.2.22"],
    ["QEMU emulator version 9.1", "9.1"],
  ])("reads %j", (output, version) => {
    expect(parseVersion(output)).toBe(version);
  });

  it("throws HYPERVISOR_MISSING on anything else", () => {
    expect(() => parseVersion("bash: no")).toThrowError(
      expect.objectContaining({ code: "HYPERVISOR_MISSING" }),
    );
  });
});

describe("parseMachineTypes()", () => {
  it("knows what an alias stands for", () => {
    expect(Object.fromEntries(parseMachineTypes(MACHINE_HELP))).toEqual({
      microvm: "microvm",
      pc: "pc-i440fx-10.0",
      "pc-i440fx-10.0": "pc-i440fx-10.0",
      q35: "pc-q35-10.0",
      "pc-q35-10.0": "pc-q35-10.0",
    });
  });
});

describe("liveMigrationRefusal()", () => {
  it.each([
    ["7.2.22", "tcg", true],
    ["8.2.0", "tcg", true],
    ["9.0.0", "tcg", false],
    ["10.0.2", "tcg", false],
    ["7.2.22", "kvm", false],
  ] as const)("QEMU %s with %s: refused is %s", (version, accelerator, isRefused) => {
    const refusal = liveMigrationRefusal(version, accelerator);
    expect(refusal !== null).toBe(isRefused);
    if (isRefused) expect(refusal).toContain(version);
  });
});

describe("the KVM trial", () => {
  it("starts at the reset vector of a whole 64 KiB firmware", () => {
    const firmware = kvmProbeFirmware();
    expect(firmware).toHaveLength(65_536);
    expect([...firmware.slice(0xfff0, 0xfff5)]).toEqual([0xb0, 0x2a, 0xe6, 0xf4, 0xf4]);
  });

  it("believes only the exit that the guest itself brings about", () => {
    expect(kvmProbeWorked({ code: 85 })).toBe(true);
    expect(kvmProbeWorked({ code: 1 })).toBe(false);
    expect(kvmProbeWorked({ code: null, killed: true })).toBe(false);
  });
});
