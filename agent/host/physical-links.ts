import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Speeds change when a cable is pulled: looked up again after so many looks at the counters. */
const looksMax = 30;
const bytesPerMegabit = 125_000;
/** A cable carries its speed in both directions at the same time. */
const directions = 2;

interface Links {
  readonly names: readonly string[];
  readonly capacityBytesPerSecond: number | null;
  /** Why there is no capacity, in words; empty when there is one. */
  readonly reason: string;
}

/**
 * The interfaces that lead out of this machine, and what they can carry (sysfs-class-net). A bridge,
 * a bond or a VLAN has no device of its own, so nothing is counted twice.
 */
export class PhysicalLinks {
  readonly #folder: string;
  #known: Links | undefined;
  #looks = 0;

  constructor(sysDirectory: string) {
    this.#folder = join(sysDirectory, "class", "net");
  }

  among(names: readonly string[]): Links {
    this.#looks += 1;
    if (this.#known === undefined || this.#looks > looksMax) {
      this.#known = this.#look(names);
      this.#looks = 0;
    }
    return this.#known;
  }

  #look(all: readonly string[]): Links {
    const names = all.filter((name) => existsSync(join(this.#folder, name, "device")));
    const speeds = names.map((name) => this.#megabits(name));
    const total = speeds.reduce<number>((sum, speed) => sum + (speed ?? 0), 0);
    if (total > 0) {
      return { names, capacityBytesPerSecond: total * bytesPerMegabit * directions, reason: "" };
    }
    const reason =
      names.length === 0
        ? "there is no physical interface"
        : `${names.join(", ")} ${names.length === 1 ? "tells" : "tell"} no speed`;
    return { names, capacityBytesPerSecond: null, reason };
  }

  /** Null while the link is down, and for a card that does not know its speed (-1). */
  #megabits(name: string): number | null {
    try {
      const megabits = Number(readFileSync(join(this.#folder, name, "speed"), "latin1"));
      return megabits > 0 ? megabits : null;
    } catch {
      return null;
    }
  }
}
