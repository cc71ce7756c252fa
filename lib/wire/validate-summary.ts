import type { AffinityPart, HostSummary, HypervisorFacts, Presence } from "../model/host.ts";
import type { HostPressure } from "../model/load.ts";
import { wireLimits } from "./limits.ts";
import type { Reader } from "./reader.ts";

const presences = new Set<Presence>(["here", "restarting", "left"]);
const kinds = new Set<HypervisorFacts["kind"]>(["sim", "qemu", "libvirt"]);
export const accelerators = new Set<HypervisorFacts["accelerator"]>(["kvm", "tcg", "none"]);
const serviceParts = new Set(["members", "switch"] as const);
/** Versions, architectures, machine types: short words that are only shown and compared. */
export const SHORT_LENGTH_MAX = 64;
const PORT_MAX = 65_535;
const TRAIT_LENGTH_MAX = 96;
const STORAGE_MAX = 16;
/** One host never has more slots or VMs than fit in a byte or two. */
const SLOTS_MAX = 64;
const VMS_MAX = 65_535;
const PROTOCOL_MAX = 65_535;

/** The fields of a host's summary, wherever one travels. */
export function readSummaryFields(summary: Reader): HostSummary {
  const pressure = summary.objectOrNull("pressure");
  return {
    name: summary.text("name", wireLimits.hostNameLengthMax),
    presence: summary.word("presence", presences),
    draining: summary.flag("draining"),
    cpuCapacityCores: summary.figure("cpuCapacityCores"),
    memoryCapacityBytes: summary.figure("memoryCapacityBytes"),
    projectedCpuCores: summary.figure("projectedCpuCores"),
    projectedMemoryBytes: summary.figure("projectedMemoryBytes"),
    measuredCpuCores: summary.figure("measuredCpuCores"),
    projectedNetworkBytesPerSecond: summary.figureIfAny("projectedNetworkBytesPerSecond") ?? 0,
    networkCapacityBytesPerSecond: summary.figureIfAny("networkCapacityBytesPerSecond") ?? 0,
    pressure: pressure && readPressure(pressure),
    freeSlotsIn: summary.count("freeSlotsIn", 0, SLOTS_MAX),
    freeSlotsOut: summary.count("freeSlotsOut", 0, SLOTS_MAX),
    vmCount: summary.count("vmCount", 0, VMS_MAX),
    antiAffinityGroups: summary.texts(
      "antiAffinityGroups",
      wireLimits.groupsMax,
      wireLimits.groupLengthMax,
    ),
    affinityGroups: summary
      .listIfAny("affinityGroups", wireLimits.groupsMax)
      .map((part, index) => readAffinityPart(summary.item("affinityGroups", index, part))),
    hypervisor: readHypervisor(summary.object("hypervisor")),
    addresses: summary.texts("addresses", wireLimits.addressesMax, wireLimits.addressLengthMax),
    probePort: summary.count("probePort", 0, PORT_MAX),
    keyed: summary.flag("keyed"),
    ...(summary.isMissing("services") ? {} : { services: summary.word("services", serviceParts) }),
    ...(summary.flagIfAny("measuring") && { measuring: true }),
    protocolMin: summary.count("protocolMin", 0, PROTOCOL_MAX),
    protocolMax: summary.count("protocolMax", 0, PROTOCOL_MAX),
    agentVersion: summary.text("agentVersion", SHORT_LENGTH_MAX),
    instance: summary.text("instance", SHORT_LENGTH_MAX),
  };
}

function readAffinityPart(part: Reader): AffinityPart {
  return {
    group: part.text("group", wireLimits.groupLengthMax),
    vms: part.count("vms", 0, VMS_MAX),
    memoryBytes: part.figure("memoryBytes"),
  };
}

function readPressure(pressure: Reader): HostPressure {
  return {
    cpuShare: pressure.figure("cpuShare", 1),
    memoryShare: pressure.figure("memoryShare", 1),
    ioShare: pressure.figure("ioShare", 1),
  };
}

function readHypervisor(facts: Reader): HypervisorFacts {
  return {
    kind: facts.word("kind", kinds),
    version: facts.text("version", SHORT_LENGTH_MAX),
    accelerator: facts.word("accelerator", accelerators),
    liveMigrationRefusal: facts.textOrNull("liveMigrationRefusal", wireLimits.reasonLengthMax),
    architecture: facts.text("architecture", SHORT_LENGTH_MAX),
    ...(!facts.isMissing("processor") && { processor: facts.text("processor", TRAIT_LENGTH_MAX) }),
    ...(!facts.isMissing("sharedStorage") && {
      sharedStorage: facts.texts("sharedStorage", STORAGE_MAX, TRAIT_LENGTH_MAX),
    }),
  };
}
