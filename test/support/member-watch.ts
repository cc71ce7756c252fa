import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseProcessStat } from "#agent/hypervisor/qemu/process-identity.ts";
import type { AgentFleet } from "./agent-fleet.ts";

const LOOK_MS = 100;
const GUEST_NAME = /guest=evenkeel:([^:,]+)/;

interface Process {
  readonly member: string;
  readonly pid: number;
  /** With the pid it names one process for ever. */
  readonly startTicks: number;
}

/**
 * Watches all members of a fleet from outside, by /proc and by the files of their images, all along:
 * no member ever has two processes, and no image is ever run from twice. An image is known by its
 * saved device state, which every suspend writes anew and nothing changes afterwards.
 */
export class MemberWatch {
  readonly #fleet: AgentFleet;
  readonly #timer: NodeJS.Timeout;
  /** Who ran from an image, by the image. */
  readonly #runner = new Map<string, string>();
  readonly #wrongs = new Set<string>();

  constructor(fleet: AgentFleet) {
    this.#fleet = fleet;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** What was seen that must never be; empty while all is well. */
  get wrongs(): readonly string[] {
    return [...this.#wrongs];
  }

  /** Images that were seen to be run from. */
  get resumes(): number {
    return this.#runner.size;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const processes = guestsUnder(this.#fleet.folder);
    for (const [member, those] of Map.groupBy(processes, (one) => one.member)) {
      const pids = those.map(({ pid }) => pid).join(", ");
      if (those.length > 1) this.#wrongs.add(`${member} has the processes ${pids} at once`);
    }
    for (const host of this.#fleet.hosts) {
      for (const { member, pid, startTicks } of processes) {
        this.#noteRunner(join(host.stateDirectory, "guests", member), `${pid}@${startTicks}`);
      }
    }
  }

  /** Notes that this process runs from the image in the folder, once its record says so. */
  #noteRunner(folder: string, process: string): void {
    const record = jsonOf(join(folder, "guest.json"));
    const image = jsonOf(join(folder, "image.json"));
    if (record?.["role"] !== "own" || image?.["consumed"] !== true) return;
    const { pid, startTicks } = record["process"] as { pid: number; startTicks: number };
    if (`${pid}@${startTicks}` !== process) return;
    const state = statSync(join(folder, String(image["stateFile"])), { throwIfNoEntry: false });
    if (state === undefined) return;
    const key = `${folder} ${state.ino} ${state.mtimeMs}`;
    const before = this.#runner.get(key);
    if (before !== undefined && before !== process) {
      this.#wrongs.add(`${folder}: ${before} and ${process} ran from one image`);
    }
    this.#runner.set(key, process);
  }
}

/** The QEMU processes whose files lie in this folder. */
function guestsUnder(folder: string): Process[] {
  return readdirSync("/proc").flatMap((entry) => {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) return [];
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, "latin1");
      const member = GUEST_NAME.exec(words)?.[1];
      if (member === undefined || !words.includes(`${folder}/`)) return [];
      const stat = parseProcessStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
      if (stat === undefined || stat.state === "Z" || stat.state === "X") return [];
      return [{ member, pid, startTicks: stat.startTicks }];
    } catch {
      // It ended while we looked.
      return [];
    }
  });
}

function jsonOf(path: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
