import type {
  PortForward,
  VmDisk,
  VmKernel,
  VmNetwork,
  VmPolicy,
  VmSpec,
} from "../model/vm-spec.ts";
import { priorityMax, vmLimits } from "../model/vm-spec.ts";
import { wireLimits } from "./limits.ts";
import type { Malformed } from "./malformed.ts";
import type { Reader } from "./reader.ts";
import { validate } from "./validate.ts";
import { shutdownWords } from "./validate-policy-change.ts";

const machines = new Set(["microvm", "q35", "pc"] as const);
const networkKinds = new Set(["none", "user", "bridge"] as const);
const diskFormats = new Set(["raw", "qcow2"] as const);
const protocols = new Set(["tcp", "udp"] as const);

/** Absolute, without control characters: it becomes one argument of the hypervisor. */
const pathPattern = new RegExp(`^/[^\\p{Cc}]{1,${vmLimits.pathLengthMax - 1}}$`, "u");
const cmdlinePattern = new RegExp(`^[^\\p{Cc}]{0,${vmLimits.cmdlineLengthMax}}$`, "u");
/** A Linux interface name (IFNAMSIZ less its end). */
const bridgePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,14}$/;
/** A unicast address: the lowest bit of the first byte is clear. */
const macPattern = /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/;
const PORT_MAX = 65_535;

/** Checks and bounds a VM spec, from a peer, a file or the journal. Never throws. */
export function readVmSpec(value: unknown): VmSpec | Malformed {
  return validate(value, readVmSpecFields);
}

export function readVmSpecFields(spec: Reader): VmSpec {
  return {
    name: spec.vm("name"),
    vcpus: spec.count("vcpus", 1, vmLimits.vcpusMax),
    memoryBytes: spec.count("memoryBytes", vmLimits.memoryBytesMin, vmLimits.memoryBytesMax),
    machine: spec.word("machine", machines),
    kernel: readKernel(spec.objectOrNull("kernel")),
    disks: spec
      .list("disks", vmLimits.disksMax)
      .map((disk, index) => readDisk(spec.item("disks", index, disk))),
    network: readNetwork(spec.object("network")),
    ...(spec.flagIfAny("guestAgent") && { guestAgent: true }),
    policy: readPolicyFields(spec.object("policy")),
  };
}

export function readPolicyFields(policy: Reader): VmPolicy {
  const antiAffinityGroup = policy.textOrNull("antiAffinityGroup", wireLimits.groupLengthMax);
  const affinityGroup = policy.textIfAny("affinityGroup", wireLimits.groupLengthMax);
  if (affinityGroup !== null && affinityGroup === antiAffinityGroup) {
    policy.fail("affinityGroup", "another group than antiAffinityGroup: no VM can be in both");
  }
  return {
    pin: policy.textOrNull("pin", wireLimits.hostNameLengthMax),
    ignore: policy.flag("ignore"),
    antiAffinityGroup,
    affinityGroup,
    ...(policy.has("managed") && !policy.flag("managed") && { managed: false }),
    ...(policy.has("priority") && { priority: policy.count("priority", 0, priorityMax) }),
    ...(policy.has("shutdown") && { shutdown: policy.word("shutdown", shutdownWords) }),
  };
}

function readKernel(kernel: Reader | null): VmKernel | null {
  if (!kernel) return null;
  return {
    path: readPath(kernel, "path"),
    initrd: kernel.isNull("initrd") ? null : readPath(kernel, "initrd"),
    cmdline: kernel.matching("cmdline", cmdlinePattern, "one line of kernel arguments"),
  };
}

function readDisk(disk: Reader): VmDisk {
  return { path: readPath(disk, "path"), format: disk.word("format", diskFormats) };
}

function readPath(reader: Reader, key: string): string {
  return reader.matching(key, pathPattern, "an absolute path");
}

function readNetwork(network: Reader): VmNetwork {
  const kind = network.word("kind", networkKinds);
  if (kind === "user") {
    const forwards = network
      .list("forwards", vmLimits.forwardsMax)
      .map((forward, index) => readForward(network.item("forwards", index, forward)));
    return { kind, forwards };
  }
  if (kind === "bridge") {
    const bridge = network.matching("bridge", bridgePattern, "the name of a bridge");
    return { kind, bridge, mac: network.matching("mac", macPattern, "a unicast MAC address") };
  }
  return { kind };
}

function readForward(forward: Reader): PortForward {
  return {
    protocol: forward.word("protocol", protocols),
    hostPort: forward.count("hostPort", 1, PORT_MAX),
    guestPort: forward.count("guestPort", 1, PORT_MAX),
  };
}
