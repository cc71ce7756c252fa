import { type CpuNeed, type MoveNeeds, needsLimits } from "../model/move-needs.ts";
import type { Reader } from "./reader.ts";

const formats = new Set(["raw", "qcow2"] as const);
const cpuKinds = new Set(["features", "same"] as const);
const { listMax, nameLengthMax, pathLengthMax, featuresMax, featureLengthMax } = needsLimits;
/** They become words and XML of the hypervisor: no quotes, no brackets, no control characters. */
const plainPattern = /^[A-Za-z0-9][A-Za-z0-9 ._+:()-]{0,63}$/;

/** Checks and bounds what an offer says that its VM needs. */
export function readMoveNeedsFields(needs: Reader): MoveNeeds {
  return {
    files: needs.texts("files", listMax, pathLengthMax),
    disks: needs.texts("disks", listMax, pathLengthMax),
    copies: needs.list("copies", listMax).map((value, index) => {
      const copy = needs.item("copies", index, value);
      return {
        path: copy.matching("path", /^\/[^\p{Cc}]{1,1023}$/u, "an absolute path"),
        format: copy.word("format", formats),
        sizeBytes: copy.count("sizeBytes"),
        usedBytes: copy.count("usedBytes"),
      };
    }),
    bridges: needs.texts("bridges", listMax, nameLengthMax),
    interfaces: needs.texts("interfaces", listMax, nameLengthMax),
    networks: needs.texts("networks", listMax, nameLengthMax),
    hugepages: needs.list("hugepages", listMax).map((value, index) => {
      const need = needs.item("hugepages", index, value);
      return {
        pageBytes: need.count("pageBytes", 0, needsLimits.pageBytesMax),
        memoryBytes: need.count("memoryBytes"),
      };
    }),
    cpu: readCpu(needs.objectOrNull("cpu")),
  };
}

function readCpu(cpu: Reader | null): CpuNeed | null {
  if (!cpu) return null;
  const features = cpu.texts("features", featuresMax, featureLengthMax);
  if (!features.every((name) => plainPattern.test(name))) cpu.fail("features", "plain names");
  return {
    kind: cpu.word("kind", cpuKinds),
    model: cpu.matching("model", plainPattern, "a plain name"),
    vendor: cpu.isNull("vendor") ? null : cpu.matching("vendor", plainPattern, "a plain name"),
    features,
  };
}
