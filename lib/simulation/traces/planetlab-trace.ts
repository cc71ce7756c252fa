import { SimulationInputError } from "../input-error.ts";
import { ByteReader } from "./byte-reader.ts";
import { type Trace, traceLimits } from "./trace.ts";
import { uniqueName } from "./unique-name.ts";

export const planetlabMagic = "PLB1";

/** CoMon sampled every five minutes. */
const stepSeconds = 300;
/** A PlanetLab sliver says nothing of its size: it is taken for one core and one GiB. */
const vcpus = 1;
const memoryBytes = 2 ** 30;
const namesBytesMax = 64 * 2 ** 20;

/**
 * Reads the packed PlanetLab format, unzipped: "PLB1", u32 V, u32 T, u8[V*T] CPU in % (VM after VM),
 * u32 n, n bytes of names, one a line. Little-endian. Throws SimulationInputError.
 */
export function readPlanetlabTrace(bytes: Uint8Array): Trace {
  const reader = new ByteReader(bytes);
  reader.latin(planetlabMagic.length, "the magic word");
  const vmCount = reader.count("the number of VMs", traceLimits.vmsMax);
  const samples = reader.count(
    "the number of samples",
    Math.min(traceLimits.samplesMax, Math.floor(traceLimits.cellsMax / vmCount)),
  );
  const percents = reader.bytes(vmCount * samples, "the samples");
  const wrong = percents.findIndex((percent) => percent > 100);
  if (wrong >= 0) {
    throw new SimulationInputError(
      `sample ${wrong % samples} of VM ${Math.floor(wrong / samples)}: ${percents[wrong]} % of CPU is more than all of it`,
    );
  }
  const names = reader.latin(reader.count("the length of the names", namesBytesMax), "the names");
  const lines = names.split("\n");
  const taken = new Set<string>();
  return {
    vms: Array.from({ length: vmCount }, (_, index) => {
      return { name: uniqueName(lines[index] || `vm-${index + 1}`, taken), vcpus, memoryBytes };
    }),
    seconds: samples * stepSeconds,
    stepSeconds,
    cpuCoresAt(vm, second) {
      const sample = Math.min(samples - 1, Math.max(0, Math.floor(second / stepSeconds)));
      return ((percents[vm * samples + sample] ?? 0) / 100) * vcpus;
    },
    usedBytesAt: () => memoryBytes,
  };
}
