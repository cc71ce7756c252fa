import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { SimCopy } from "#lib/simulation/sim-copy.ts";
import type { AgentHost } from "./agent-host.ts";

const SAMPLE_MS = 4;
/** A guest has stopped before its file says so: by this much on a starved machine. */
const COUNT_BACK_MS_MAX = 250;

/** Where the sim driver keeps a guest: readable from outside, and dead when the file is gone. */
export function copyPath(host: AgentHost, vm: string): string {
  return join(host.stateDirectory, "sim-guests", `${vm}.json`);
}

export function readCopy(host: AgentHost, vm: string): SimCopy | null {
  try {
    return JSON.parse(readFileSync(copyPath(host, vm), "utf8")) as SimCopy;
  } catch {
    return null;
  }
}

/** True while the guest's processors advance in this copy. */
export function advances(copy: SimCopy | null): copy is SimCopy & { readonly sinceMs: number } {
  return copy !== null && copy.sinceMs !== null;
}

/** Watches one VM on all hosts at once, from outside, for what must never be. */
export class CopyWatch {
  readonly #hosts: readonly AgentHost[];
  readonly #vm: string;
  readonly #timer: NodeJS.Timeout;
  readonly #faults = new Set<string>();
  #frozenSinceMs: number | undefined;
  #frozenMsMax = 0;
  #boot: string | undefined;
  #count = 0;
  /** By the count that a memory was stopped at: the host that ran on from it. */
  readonly #ranOn = new Map<number, AgentHost>();

  constructor(hosts: readonly AgentHost[], vm: string) {
    this.#hosts = hosts;
    this.#vm = vm;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  /** What was seen that must never be, in words. */
  get faults(): readonly string[] {
    return [...this.#faults];
  }

  /** Longest time in which no copy ran, ms. */
  get frozenMsMax(): number {
    return this.#frozenMsMax;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    const running = this.#hosts.filter((host) => advances(readCopy(host, this.#vm)));
    if (running.length > 1) this.#checkTwo(running);
    const [only] = running;
    const copy = only ? readCopy(only, this.#vm) : null;
    if (only && advances(copy)) this.#checkMemory(only, copy);
    const nowMs = performance.now();
    this.#frozenSinceMs = running.length > 0 ? undefined : (this.#frozenSinceMs ?? nowMs);
    if (this.#frozenSinceMs !== undefined) {
      this.#frozenMsMax = Math.max(this.#frozenMsMax, nowMs - this.#frozenSinceMs);
    }
  }

  /** One copy may have stopped before the other was read: so both are read once more. */
  #checkTwo(running: readonly AgentHost[]): void {
    const copies = running.map((host) => readCopy(host, this.#vm));
    const [first, ...others] = running.map((host) => readCopy(host, this.#vm));
    const same = (a: SimCopy | null, b: SimCopy | null | undefined) => a?.sinceMs === b?.sinceMs;
    if (!advances(first ?? null) || !same(copies[0] ?? null, first)) return;
    if (!others.some(advances)) return;
    this.#faults.add(`two copies ran: on ${running.map(({ name }) => name).join(" and ")}`);
  }

  /** A guest that goes on counts on: less would be an older memory, another boot a new guest. */
  #checkMemory(host: AgentHost, copy: SimCopy & { readonly sinceMs: number }): void {
    if (copy.ranMs > 0) {
      const first = this.#ranOn.get(copy.ranMs) ?? host;
      this.#ranOn.set(copy.ranMs, first);
      // Even if the other one ran for a moment only, what it did is lost.
      if (first !== host) this.#faults.add(`the same memory ran on ${first.name} and ${host.name}`);
    }
    this.#boot ??= copy.boot;
    if (copy.boot !== this.#boot) this.#faults.add("the guest was booted anew");
    const count = copy.ranMs + Date.now() - copy.sinceMs;
    if (count < this.#count - COUNT_BACK_MS_MAX) {
      this.#faults.add(`the count fell from ${this.#count} to ${count}`);
    }
    this.#count = Math.max(this.#count, count);
  }
}
