import { describe, expect, it } from "vitest";
import { machineObjection } from "#agent/hypervisor/machine-objection.ts";
import type { MoveOffer } from "#lib/model/host-op.ts";

const facts = {
  kind: "qemu",
  version: "10.0.2",
  accelerator: "tcg",
  liveMigrationRefusal: null,
  architecture: "x86_64",
  machineTypes: new Map([
    ["microvm", "microvm"],
    ["pc-q35-9.2", "pc-q35-9.2"],
    ["pc-q35-10.0", "pc-q35-10.0"],
  ]),
} as const;

const offer = (change: Partial<MoveOffer>) =>
  ({
    hypervisorVersion: "10.0.2",
    accelerator: "tcg",
    machineType: "microvm",
    ...change,
  }) as MoveOffer;

describe("machineObjection()", () => {
  it.each([
    ["the same QEMU", {}, null],
    [
      "an older QEMU's versioned machine",
      { hypervisorVersion: "9.2.1", machineType: "pc-q35-9.2" },
      null,
    ],
    ["an older QEMU's microvm", { hypervisorVersion: "9.2.1" }, /9\.2\.1 to 10\.0\.2/],
    ["a newer QEMU", { hypervisorVersion: "10.1.0", machineType: "pc-q35-10.0" }, /10\.1\.0/],
    ["a machine that is not known here", { machineType: "pc-q35-10.1" }, /pc-q35-10\.1/],
    ["another accelerator", { accelerator: "kvm" }, /kvm.*tcg/],
  ] as const)("about %s", (_what, change, expected) => {
    const objection = machineObjection(offer(change), facts);
    if (expected === null) expect(objection).toBeNull();
    else expect(objection).toMatch(expected);
  });
});
