import { SimulationInputError } from "../input-error.ts";
import { ByteReader } from "./byte-reader.ts";
import { type Trace, type TraceVm, traceLimits } from "./trace.ts";
import { uniqueName } from "./unique-name.ts";

export const bitbrainsMagic = "BBV1";

const mebibyte = 2 ** 20;
const stepSecondsMax = 86_400;
const coresMax = 1_024;
const missingCpu = 0xffff;
const missingMemory = 0xff;
/** Memory is told in shares of 1/200. */
const allMemory = 200;
/** A VM of which the recording knows no memory still takes some. */
const memoryMiBMin = 64;

/**
 * Reads the packed Bitbrains format, unzipped: "BBV1", u32 V, u32 T, u32 seconds a sample, u32 start;
 * V x {u32 id, u16 cores, f32 MHz, u32 MiB}; u16[V*T] CPU in % x100 of all its cores (0xffff missing);
 * u8[V*T] share of memory used x200 (0xff missing). Little-endian. A missing sample is the one before
 * it. Throws SimulationInputError.
 */
export function readBitbrainsTrace(bytes: Uint8Array): Trace {
  const reader = new ByteReader(bytes);
  reader.latin(bitbrainsMagic.length, "the magic word");
  const vmCount = reader.count("the number of VMs", traceLimits.vmsMax);
  const samples = reader.count(
    "the number of samples",
    Math.min(traceLimits.samplesMax, Math.floor(traceLimits.cellsMax / vmCount)),
  );
  const stepSeconds = reader.count("the seconds of a sample", stepSecondsMax);
  reader.uint32("the start");
  const taken = new Set<string>();
  const vms = Array.from({ length: vmCount }, (_, index) => readVm(reader, index, taken));
  const cpu = reader.uint16s(vmCount * samples, "the CPU samples");
  // A shorter edition of the format has no memory: then all of it counts as used.
  const memory =
    reader.left === 0 ? undefined : reader.bytes(vmCount * samples, "the memory samples").slice();
  fillGaps(cpu, samples, { missing: missingCpu, first: 0 });
  if (memory) fillGaps(memory, samples, { missing: missingMemory, first: allMemory });
  const cellOf = (vm: number, second: number) =>
    vm * samples + Math.min(samples - 1, Math.max(0, Math.floor(second / stepSeconds)));
  return {
    vms,
    seconds: samples * stepSeconds,
    stepSeconds,
    cpuCoresAt: (vm, second) => ((cpu[cellOf(vm, second)] ?? 0) / 10_000) * (vms[vm]?.vcpus ?? 0),
    usedBytesAt(vm, second) {
      const allowed = vms[vm]?.memoryBytes ?? 0;
      if (memory === undefined) return allowed;
      return Math.min(
        allowed,
        Math.round(((memory[cellOf(vm, second)] ?? 0) / allMemory) * allowed),
      );
    },
  };
}

function readVm(reader: ByteReader, index: number, taken: Set<string>): TraceVm {
  const id = reader.uint32("a VM's id");
  const vcpus = reader.uint16("a VM's cores");
  reader.float32("a VM's MHz");
  const memoryMiB = reader.uint32("a VM's memory");
  if (vcpus < 1 || vcpus > coresMax) {
    throw new SimulationInputError(`VM ${index}: ${vcpus} cores, expected 1 to ${coresMax}`);
  }
  const memoryBytes = Math.max(memoryMiBMin, memoryMiB) * mebibyte;
  return { name: uniqueName(`vm-${id}`, taken), vcpus, memoryBytes };
}

/** Puts the last known value where one is missing, `first` where none has been known yet. */
function fillGaps(
  values: Uint16Array | Uint8Array,
  samples: number,
  { missing, first }: { missing: number; first: number },
): void {
  let last = first;
  for (let cell = 0; cell < values.length; cell++) {
    if (cell % samples === 0) last = first;
    if (values[cell] === missing) values[cell] = last;
    else last = values[cell] ?? 0;
  }
}
