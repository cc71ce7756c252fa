import { describe } from "vitest";
import { hypervisorContract } from "../support/hypervisor-contract.ts";
import { libvirtMissing } from "../support/libvirt-host.ts";
import { LibvirtRig } from "../support/libvirt-rig.ts";

const missing = libvirtMissing();

describe.skipIf(missing !== null)(`two real libvirtds (${missing ?? "installed"})`, () => {
  hypervisorContract("LibvirtDriver with real guests", () => LibvirtRig.make());
});
