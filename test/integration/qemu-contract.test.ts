import { hypervisorContract } from "../support/hypervisor-contract.ts";
import { QemuRig } from "../support/qemu-rig.ts";

hypervisorContract("QemuDriver with real guests", () => QemuRig.make());
