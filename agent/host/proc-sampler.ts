import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { HostPressure } from "#lib/model/load.ts";
import type { Log } from "../ports/log.ts";
import {
  type CpuTicks,
  type MemoryFigures,
  parseArcFreeable,
  parseMeminfo,
  parseNetDev,
  parseStat,
  pressureOf,
} from "./parse-proc.ts";
import { PhysicalLinks } from "./physical-links.ts";

/** Traffic of the physical interfaces, both directions together. */
export interface NetworkFigures {
  /** Since boot. */
  readonly bytes: number;
  /** Null when no interface tells its speed. */
  readonly capacityBytesPerSecond: number | null;
}

/** One look at the machine. Null: the figure cannot be had; why was logged once. */
export interface MachineSample {
  readonly cpu: CpuTicks | null;
  readonly memory: MemoryFigures | null;
  readonly pressure: HostPressure | null;
  readonly network: NetworkFigures | null;
}

/**
 * Reads the machine's figures under /proc. Never fails: a figure is there or null.
 *
 * Synchronously: the kernel answers from memory in some ten microseconds, and a detour over the
 * thread pool costs ten times that, at every look.
 */
export class ProcSampler {
  readonly #procDirectory: string;
  readonly #log: Log;
  readonly #links: PhysicalLinks;
  readonly #reported = new Set<string>();

  constructor(options: { log: Log; procDirectory?: string; sysDirectory?: string }) {
    this.#procDirectory = options.procDirectory ?? "/proc";
    this.#links = new PhysicalLinks(options.sysDirectory ?? "/sys");
    this.#log = options.log;
  }

  async sample(): Promise<MachineSample> {
    const stat = this.#read("stat", "CPU load of the host");
    const meminfo = this.#read("meminfo", "memory of the host");
    // Most hosts have no ZFS: a missing file is the usual case and nothing to report.
    const arcstats = this.#readQuietly("spl/kstat/zfs/arcstats");
    const pressures = ["cpu", "memory", "io"].map((name) =>
      this.#read(`pressure/${name}`, `${name} pressure`),
    );
    return {
      cpu: this.#parsed("stat", stat, parseStat),
      memory: withArc(this.#parsed("meminfo", meminfo, parseMeminfo), arcstats),
      pressure: pressureOf(pressures[0], pressures[1], pressures[2]) ?? null,
      network: this.#network(),
    };
  }

  #network(): NetworkFigures | null {
    const text = this.#read("net/dev", "network load of the host");
    const counters = this.#parsed("net/dev", text, parseNetDev);
    if (counters === null) return null;
    const links = this.#links.among([...counters.keys()]);
    const capacityBytesPerSecond = links.capacityBytesPerSecond;
    if (capacityBytesPerSecond === null) {
      // Virtual machines and many test hosts: the usual case there, so no warning, but one line.
      this.#report("net/dev", `network capacity is unknown: ${links.reason}`, "info");
    }
    const bytes = links.names.reduce((sum, name) => sum + (counters.get(name) ?? 0), 0);
    return { bytes, capacityBytesPerSecond };
  }

  #parsed<Figure>(
    name: string,
    text: string | undefined,
    parse: (text: string) => Figure | undefined,
  ): Figure | null {
    if (text === undefined) return null;
    const figure = parse(text);
    if (figure === undefined) this.#report(name, "its text is not as this agent knows it");
    return figure ?? null;
  }

  #read(name: string, meaning: string): string | undefined {
    try {
      return readFileSync(join(this.#procDirectory, name), "latin1");
    } catch (error) {
      this.#report(name, `${meaning} is unknown: ${error instanceof Error ? error.message : ""}`);
      return undefined;
    }
  }

  #readQuietly(name: string): string | undefined {
    const path = join(this.#procDirectory, name);
    try {
      // An exception for each look would cost more than the look.
      return existsSync(path) ? readFileSync(path, "latin1") : undefined;
    } catch {
      return undefined;
    }
  }

  #report(name: string, reason: string, level: "info" | "warn" = "warn"): void {
    if (this.#reported.has(name)) return;
    this.#reported.add(name);
    const path = join(this.#procDirectory, name);
    this.#log.write(level, `${path}: ${reason}`, { code: "FIGURE_MISSING", path });
  }
}

function withArc(memory: MemoryFigures | null, arcstats: string | undefined): MemoryFigures | null {
  const freeable = arcstats === undefined ? undefined : parseArcFreeable(arcstats);
  if (memory === null || freeable === undefined) return memory;
  const availableBytes = Math.min(memory.availableBytes + freeable, memory.totalBytes);
  return { ...memory, availableBytes };
}
