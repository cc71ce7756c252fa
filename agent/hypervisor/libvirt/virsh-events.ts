import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { type VirshParts, virshEnvironment } from "./virsh-session.ts";

const RETRY_MS_MIN = 200;
const RETRY_MS_MAX = 5000;

/** One event of a domain, or one figure of it: "lifecycle" with "Suspended Migrated". */
export interface DomainEvent {
  readonly vm: string;
  readonly event: string;
  readonly detail: string;
}

const EVENT_LINE = /event '([a-z-]+)' for domain '([^']*)':\s*(.*)$/;

/** The event in a line of `virsh event --loop --timestamp`; undefined for the lines between. */
export function parseEventLine(line: string): DomainEvent | undefined {
  const match = EVENT_LINE.exec(line);
  if (!match?.[1] || match[2] === undefined) return undefined;
  return { vm: match[2], event: match[1], detail: (match[3] ?? "").trim() };
}

/**
 * Listens to the daemon for as long as it is wanted: one virsh that prints events. When the daemon
 * goes away it comes back with it, and says so, because what happened in between nobody tells.
 */
export class VirshEvents {
  readonly #parts: VirshParts;
  readonly #listeners = new Set<(event: DomainEvent | "missed") => void>();
  #process: ChildProcess | undefined;
  #retryMs = RETRY_MS_MIN;
  #forget: (() => void) | undefined;
  #isOpen = false;

  constructor(parts: VirshParts) {
    this.#parts = parts;
  }

  open(): void {
    this.#isOpen = true;
    this.#start();
  }

  close(): void {
    this.#isOpen = false;
    this.#forget?.();
    this.#listeners.clear();
    this.#process?.kill("SIGKILL");
    this.#process = undefined;
  }

  /** Returns how to stop. "missed" is told when events may have been lost. */
  listen(listener: (event: DomainEvent | "missed") => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #start(): void {
    const { virsh, uri } = this.#parts;
    const words = ["-q", "-c", uri, "event", "--all", "--loop", "--timestamp"];
    const child = spawn(virsh, words, {
      stdio: ["ignore", "pipe", "ignore"],
      env: virshEnvironment,
    });
    this.#process = child;
    if (child.stdout) {
      createInterface({ input: child.stdout }).on("line", (line) => {
        this.#retryMs = RETRY_MS_MIN;
        const event = parseEventLine(line);
        if (event !== undefined) this.#tell(event);
      });
    }
    child.once("error", () => this.#again(child));
    child.once("close", () => this.#again(child));
    this.#tell("missed");
  }

  #again(child: ChildProcess): void {
    if (this.#process !== child || !this.#isOpen) return;
    this.#process = undefined;
    this.#tell("missed");
    this.#forget = this.#parts.clock.after(this.#retryMs, () => this.#start());
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
  }

  #tell(event: DomainEvent | "missed"): void {
    for (const listener of this.#listeners) listener(event);
  }
}
