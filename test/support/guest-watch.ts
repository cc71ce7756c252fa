import { readdirSync, readFileSync, statSync } from "node:fs";
import { isVcpu, parseThread } from "#agent/hypervisor/qemu/usage.ts";

/** Between two looks at the serial logs. */
const LOOK_MS = 25;
/** Between two looks at the processors: a running guest of ours works in each such interval. */
const PROCESSOR_LOOK_MS = 250;
/** What a processor that stands still may use for being told so, ns in one such interval. */
const STILL_NS_MAX = 2_000_000;
/** A copy that stops and another that starts share an interval; two that run share many. */
const SHARED_LOOKS_MAX = 2;

/** One host on which the VM may run. */
export interface WatchedHost {
  readonly name: string;
  serialPath(vm: string): string;
  /** Pid of the VM's process there; undefined when there is none. */
  guestPid(vm: string): number | undefined;
}

/** What a VM was seen to do while it was watched. */
export interface GuestStory {
  /** Longest time without a new count on any host's serial line, ms. */
  readonly frozenMsMax: number;
  /** Most looks in a row at which copies on two hosts used their processors. */
  readonly sharedLooksMax: number;
  /** Hosts on whose serial line it went on counting, in order; each change is one entry. */
  readonly ranOn: readonly string[];
}

export function twoRan(story: GuestStory): boolean {
  return story.sharedLooksMax > SHARED_LOOKS_MAX;
}

/** Watches one VM from outside, on all hosts at once, until it is stopped. */
export class GuestWatch {
  readonly #hosts: readonly WatchedHost[];
  readonly #vm: string;
  readonly #timer: NodeJS.Timeout;
  readonly #sizes = new Map<string, number>();
  readonly #usedNs = new Map<string, number>();
  readonly #ranOn: string[] = [];
  #grewAtMs = performance.now();
  #processorsAtMs = 0;
  #frozenMsMax = 0;
  #sharedLooks = 0;
  #sharedLooksMax = 0;

  constructor(hosts: readonly WatchedHost[], vm: string) {
    this.#hosts = hosts;
    this.#vm = vm;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  stop(): GuestStory {
    clearInterval(this.#timer);
    this.#look();
    this.#noteGap();
    const { frozenMsMax, sharedLooksMax, ranOn } = this.story;
    return { frozenMsMax, sharedLooksMax, ranOn };
  }

  get story(): GuestStory {
    return {
      frozenMsMax: this.#frozenMsMax,
      sharedLooksMax: this.#sharedLooksMax,
      ranOn: [...this.#ranOn],
    };
  }

  #look(): void {
    for (const host of this.#hosts) {
      const size = sizeOf(host.serialPath(this.#vm));
      const before = this.#sizes.get(host.name);
      this.#sizes.set(host.name, size);
      if (before === undefined || size <= before) continue;
      if (this.#ranOn.at(-1) !== host.name) this.#ranOn.push(host.name);
      this.#noteGap();
      this.#grewAtMs = performance.now();
    }
    const nowMs = performance.now();
    if (nowMs - this.#processorsAtMs < PROCESSOR_LOOK_MS) return;
    this.#processorsAtMs = nowMs;
    this.#lookAtProcessors();
  }

  #lookAtProcessors(): void {
    let running = 0;
    for (const host of this.#hosts) {
      const pid = host.guestPid(this.#vm);
      if (pid === undefined) continue;
      const key = `${host.name} ${pid}`;
      const usedNs = processorNs(pid);
      const before = this.#usedNs.get(key) ?? usedNs;
      this.#usedNs.set(key, usedNs);
      if (usedNs - before > STILL_NS_MAX) running += 1;
    }
    this.#sharedLooks = running > 1 ? this.#sharedLooks + 1 : 0;
    this.#sharedLooksMax = Math.max(this.#sharedLooksMax, this.#sharedLooks);
  }

  #noteGap(): void {
    this.#frozenMsMax = Math.max(this.#frozenMsMax, performance.now() - this.#grewAtMs);
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Time that the guest's processors have run, ns. */
function processorNs(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, id) => {
      const read = (file: string) => readFileSync(`/proc/${pid}/task/${id}/${file}`, "utf8");
      const thread = parseThread(read("comm"), read("schedstat"));
      return thread !== undefined && isVcpu(thread) ? sum + thread.runNs : sum;
    }, 0);
  } catch {
    // It ended while we looked.
    return 0;
  }
}
