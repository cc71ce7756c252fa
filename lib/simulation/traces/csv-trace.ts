import { SimulationInputError } from "../input-error.ts";
import { shown } from "../read-fields.ts";
import { type Trace, traceLimits } from "./trace.ts";

const mebibyte = 2 ** 20;
const header = "vm,second,cpu_cores,memory_mib";
/** Some time before the year 2200, for those who write the seconds since 1970. */
const secondMax = 7_258_118_400;
const coresMax = 4_096;
const memoryMiBMax = 64 * 2 ** 20;
const nameLengthMax = 255;
/** Text takes more than packed samples do. */
const rowsMax = traceLimits.cellsMax / 10;
/** A single sample lasts as long as most monitoring takes to the next, s. */
const loneSampleSeconds = 300;

interface Row {
  readonly vm: string;
  readonly second: number;
  readonly cpuCores: number;
  readonly memoryMiB: number;
}

/** The samples of one VM, in the order of time. */
interface Samples {
  readonly seconds: number[];
  readonly cpuCores: number[];
  readonly memoryMiB: number[];
}

/**
 * Reads a recording as CSV with the header `vm,second,cpu_cores,memory_mib`: whole seconds since any
 * start, rising for each VM; VMs in any order. Throws SimulationInputError that names the line.
 */
export function readCsvTrace(text: string): Trace {
  const byVm = new Map<string, Samples>();
  let lineNumber = 0;
  let rows = 0;
  for (const line of linesOf(text)) {
    lineNumber += 1;
    if (lineNumber === 1) checkHeader(line);
    else if (line !== "") {
      rows += 1;
      keep(readRow(line, lineNumber), byVm, lineNumber);
      if (rows > rowsMax || byVm.size > traceLimits.vmsMax) {
        throw wrongAt(lineNumber, "the recording is longer than what can be replayed: cut it");
      }
    }
  }
  if (byVm.size === 0) throw new SimulationInputError("there is a header and no sample below it");
  return new CsvTrace(byVm);
}

class CsvTrace implements Trace {
  readonly vms: Trace["vms"];
  readonly seconds: number;
  readonly stepSeconds: number;
  readonly #samples: readonly Samples[];
  readonly #start: number;

  constructor(byVm: ReadonlyMap<string, Samples>) {
    this.#samples = [...byVm.values()];
    this.vms = [...byVm].map(([name, { cpuCores, memoryMiB }]) => ({
      name,
      vcpus: Math.max(1, Math.ceil(maxOf(cpuCores))),
      memoryBytes: Math.max(1, Math.round(maxOf(memoryMiB))) * mebibyte,
    }));
    const first = this.#samples.map(({ seconds }) => seconds[0] ?? 0);
    this.#start = first.reduce((least, second) => Math.min(least, second));
    let step = 0;
    let end = this.#start;
    for (const { seconds } of this.#samples) {
      for (const second of seconds) step = greatestCommonDivisor(step, second - this.#start);
      end = Math.max(end, seconds.at(-1) ?? 0);
    }
    this.stepSeconds = step === 0 ? loneSampleSeconds : step;
    this.seconds = end - this.#start + this.stepSeconds;
  }

  cpuCoresAt(vm: number, second: number): number {
    const samples = this.#samples[vm];
    return samples?.cpuCores[this.#indexAt(samples, second)] ?? 0;
  }

  usedBytesAt(vm: number, second: number): number {
    const samples = this.#samples[vm];
    return Math.round((samples?.memoryMiB[this.#indexAt(samples, second)] ?? 0) * mebibyte);
  }

  /** The last sample that has begun; the first before it has. */
  #indexAt({ seconds }: Samples, second: number): number {
    const wanted = this.#start + second;
    let low = 0;
    let high = seconds.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((seconds[middle] ?? 0) <= wanted) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Lines without their ends, one by one: a list of all would take the file's size again. */
function* linesOf(text: string): Generator<string> {
  for (let start = 0; start <= text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    yield text.slice(start, end).trim();
    start = end + 1;
  }
}

function checkHeader(line: string): void {
  const found = line.replace(/^\ufeff/, "").replaceAll(" ", "");
  if (found === header) return;
  throw wrongAt(1, `expected the header ${header}, found ${shown(line)}`);
}

function readRow(line: string, lineNumber: number): Row {
  const cells = line.split(",").map((cell) => cell.trim());
  const [vm = "", second = "", cpuCores = "", memoryMiB = ""] = cells;
  if (cells.length !== 4) {
    throw wrongAt(lineNumber, `expected 4 cells (${header}), found ${cells.length}`);
  }
  if (vm === "" || vm.length > nameLengthMax) {
    throw wrongAt(lineNumber, `vm: expected a name of 1 to ${nameLengthMax} characters`);
  }
  const number = (name: string, cell: string, max: number) => {
    const value = cell === "" ? Number.NaN : Number(cell);
    if (value >= 0 && value <= max) return value;
    throw wrongAt(lineNumber, `${name}: expected a number from 0 to ${max}, found ${shown(cell)}`);
  };
  const at = number("second", second, secondMax);
  if (!Number.isInteger(at)) {
    throw wrongAt(lineNumber, `second: expected a whole number, found ${shown(second)}`);
  }
  return {
    vm,
    second: at,
    cpuCores: number("cpu_cores", cpuCores, coresMax),
    memoryMiB: number("memory_mib", memoryMiB, memoryMiBMax),
  };
}

function keep(row: Row, byVm: Map<string, Samples>, lineNumber: number): void {
  let samples = byVm.get(row.vm);
  if (!samples) {
    samples = { seconds: [], cpuCores: [], memoryMiB: [] };
    byVm.set(row.vm, samples);
  }
  if (row.second <= (samples.seconds.at(-1) ?? -1)) {
    throw wrongAt(
      lineNumber,
      `second ${row.second} of ${shown(row.vm)} is not later than the one before: sort by second`,
    );
  }
  samples.seconds.push(row.second);
  samples.cpuCores.push(row.cpuCores);
  samples.memoryMiB.push(row.memoryMiB);
}

function wrongAt(lineNumber: number, what: string): SimulationInputError {
  return new SimulationInputError(`line ${lineNumber}: ${what}`);
}

function greatestCommonDivisor(a: number, b: number): number {
  let [larger, smaller] = [a, b];
  while (smaller !== 0) [larger, smaller] = [smaller, larger % smaller];
  return larger;
}

function maxOf(values: readonly number[]): number {
  let max = 0;
  for (const value of values) max = Math.max(max, value);
  return max;
}
