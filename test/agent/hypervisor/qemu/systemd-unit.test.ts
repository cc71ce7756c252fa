import { describe, expect, it } from "vitest";
import { systemdRunArguments, unitName } from "#agent/hypervisor/qemu/systemd-unit.ts";

describe("unitName()", () => {
  it("is the VM's, and for a copy of a move the move's, too", () => {
    expect(unitName("web-1", null)).toBe("evenkeel-guest-web-1.service");
    expect(unitName("web-1", "web-1.2.0123456789abcdef")).toBe(
      "evenkeel-guest-web-1-0123456789abcdef.service",
    );
  });
});

describe("systemdRunArguments()", () => {
  it("runs the command as it is, dollars included, in a unit that is collected", () => {
    const args = systemdRunArguments({
      unit: "evenkeel-guest-web-1.service",
      workingDirectory: "/state/guests/web-1",
      outputPath: "/state/guests/web-1/qemu.log",
      command: ["qemu", "-append", "a=$HOME b"],
    });
    expect(args).toContain("--collect");
    expect(args).toContain("--unit=evenkeel-guest-web-1.service");
    expect(args.slice(args.indexOf("--") + 1)).toEqual(["qemu", "-append", "a=$$HOME b"]);
  });
});
